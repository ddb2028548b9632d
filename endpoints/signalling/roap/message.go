// Package roap is signalling between browsers: messages of ROAP (draft-jennings-rtcweb-signaling-01) with the ACCEPT of
// the seeds, where an answer says how a session would be, and ACCEPT that it is so; the application that offers and answers
// ([Agent]); and a server between two of them ([Server]).
package roap

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"rtpfabric/endpoints/signalling"
)

// MessageType says what a message of ROAP is.
type MessageType string

// The types of messages (draft-jennings-rtcweb-signaling-01), and ACCEPT.
const (
	TypeOffer  MessageType = "OFFER"
	TypeAnswer MessageType = "ANSWER"
	// TypeAccept says that the answer before it is the session's, as a SIP 200 does.
	TypeAccept   MessageType = "ACCEPT"
	TypeShutdown MessageType = "SHUTDOWN"
	// TypeCandidate tells of candidates that an end has gathered since it has described itself (RFC 8838). Its SDP is a
	// fragment (RFC 8840 §9), and the offer that it names says nothing. ROAP is older, and has no such message.
	TypeCandidate MessageType = "CANDIDATE"
	TypeError     MessageType = "ERROR"
)

// ErrorType says why an offer came to nothing.
type ErrorType string

// The errors of ROAP.
const (
	NoMatch  ErrorType = "NOMATCH"
	Timeout  ErrorType = "TIMEOUT"
	Refused  ErrorType = "REFUSED"
	Conflict ErrorType = "CONFLICT"
	// DoubleConflict voids both offers of a glare: their values are equal.
	DoubleConflict ErrorType = "DOUBLECONFLICT"
	Failure        ErrorType = "FAILED"
)

// Message is a message of ROAP: JSON on the wire. All but SHUTDOWN and CANDIDATE are about an offer, which Offerer and Seq name.
type Message struct {
	Type MessageType `json:"messageType"`
	// Offerer and Answerer are the ids of the two ends of the session.
	Offerer  string `json:"offererSessionId"`
	Answerer string `json:"answererSessionId,omitempty"`
	// Seq counts the offers of a session in either direction.
	Seq uint32 `json:"seq"`
	// TieBreaker is the offer's GlareResolution; 0 and [glare.Max] are for gateways.
	TieBreaker uint32 `json:"tieBreaker,omitempty"`
	SDP        string `json:"sdp,omitempty"`
	// MoreComing says that the answer is speculative: another may take its place before the ACCEPT.
	MoreComing bool      `json:"moreComing,omitempty"`
	Error      ErrorType `json:"errorType,omitempty"`
}

// Offer returns the id of the offer that the message is about.
func (d *Message) Offer() signalling.OfferID {
	return signalling.OfferID{Session: d.Offerer, Seq: d.Seq}
}

// Marshal returns the message as JSON.
func (d *Message) Marshal() []byte {
	b, err := json.Marshal(d)
	if err != nil {
		panic("roap: " + err.Error()) // strings, numbers and flags
	}
	return b
}

// Title is the message in a few words.
func (d *Message) Title() string {
	switch d.Type {
	case TypeOffer:
		if d.TieBreaker != 0 {
			return fmt.Sprintf("OFFER %d (%d)", d.Seq, d.TieBreaker)
		}
	case TypeError:
		return fmt.Sprintf("ERROR %d %s", d.Seq, d.Error)
	case TypeAnswer:
		if d.MoreComing {
			return fmt.Sprintf("ANSWER %d, more coming", d.Seq)
		}
	case TypeCandidate:
		if end := "a=end-of-candidates\r\n"; strings.HasSuffix(d.SDP, end) && !strings.Contains(d.SDP, "a=candidate:") {
			return "CANDIDATE, no more"
		}
		return "CANDIDATE"
	case TypeAccept, TypeShutdown:
	}
	return fmt.Sprintf("%s %d", d.Type, d.Seq)
}

// maxSeq bounds the numbers of offers, so that there is always a next one.
const maxSeq = 1<<31 - 1

// Parse reads a message of ROAP. Members that it doesn't know are left out, as ROAP has it.
func Parse(b []byte) (*Message, error) {
	var d Message
	if err := json.Unmarshal(b, &d); err != nil {
		return nil, fmt.Errorf("reading a message: %w", err)
	}
	return &d, d.check()
}

func (d *Message) check() error {
	types := []MessageType{TypeOffer, TypeAnswer, TypeAccept, TypeShutdown, TypeCandidate, TypeError}
	errs := []ErrorType{NoMatch, Timeout, Refused, Conflict, DoubleConflict, Failure}
	switch {
	case !slices.Contains(types, d.Type):
		return fmt.Errorf("reading a message: no messageType %q", d.Type)
	case d.Offerer == "":
		return errors.New("reading a message: it has no offererSessionId")
	case d.Type != TypeShutdown && d.Type != TypeCandidate && d.Seq == 0 || d.Seq > maxSeq:
		return errors.New("reading a message: seq is from 1 to 2147483647")
	case (d.Type == TypeError) != (d.Error != "") || d.Error != "" && !slices.Contains(errs, d.Error):
		return fmt.Errorf("reading a message: no errorType %q for %s", d.Error, d.Type)
	}
	return nil
}
