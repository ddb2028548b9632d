// Package sip is as much of SIP (RFC 3261) as offers and answers in a dialog need: messages as text, a user agent
// ([UserAgent]) with the timers against glare, and a proxy ([Proxy]) that keeps the state of transactions. Transport is
// reliable, as TCP is, so that nothing is sent twice (RFC 3261 §17.1.1.2). Of the many forms that SIP allows for header
// fields it reads the one that it writes.
package sip

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"rtpfabric/endpoints/signalling"
)

// The methods that a session needs.
const (
	Invite = "INVITE"
	Ack    = "ACK"
	Cancel = "CANCEL"
	Bye    = "BYE"
)

// Status codes of responses (RFC 3261 §21).
const (
	Trying          = 100
	Ringing         = 180
	SessionProgress = 183
	OK              = 200
	RequestTimeout  = 408
	NoDialog        = 481
	Terminated      = 487
	NotAcceptable   = 488
	RequestPending  = 491 // glare (§14.2)
	ServerError     = 500 // also of an INVITE while another one isn't answered (§14.2)
)

var reasons = map[int]string{
	Trying: "Trying", Ringing: "Ringing", SessionProgress: "Session Progress", OK: "OK",
	RequestTimeout: "Request Timeout", NoDialog: "Call/Transaction Does Not Exist", Terminated: "Request Terminated", ServerError: "Server Internal Error", NotAcceptable: "Not Acceptable Here", RequestPending: "Request Pending",
}

// Message is a request or a response.
type Message struct {
	// Method is the request's; of a response that of the request which it answers.
	Method string
	// Status is 0 in a request.
	Status   int
	CallID   string
	From, To string // addresses of record, with tags
	CSeq     uint32
	// Branches are those of the Via fields, the latest first: who the request came by (§18.2.1, §20.42).
	Branches []string
	// Glare is the offer's value, as a header or an attribute could carry it (002); 0 if it has none.
	Glare uint32
	// RetryAfter is what a gateway asks a user agent to wait; negative if it doesn't say. SIP doesn't define it for 491.
	RetryAfter time.Duration
	Body       string // SDP
}

// Request reports whether the message is a request.
func (m *Message) Request() bool { return m.Status == 0 }

// Final reports whether the message is a response that ends a transaction.
func (m *Message) Final() bool { return m.Status >= 200 }

// Offer names the offer that an INVITE makes, by the user who makes it.
func (m *Message) Offer() signalling.OfferID {
	user, _, _ := strings.Cut(m.From, "@")
	return signalling.OfferID{Session: user, Seq: m.CSeq}
}

// Success reports whether the message is a response of success; all of that class are alike (§8.1.3.2).
func (m *Message) Success() bool { return m.Status/100 == 2 }

// Title is the message in a few words.
func (m *Message) Title() string {
	s := m.Method
	if !m.Request() {
		s = fmt.Sprintf("%d %s", m.Status, reasons[m.Status])
	}
	if m.Glare != 0 {
		s += fmt.Sprintf(" (%d)", m.Glare)
	}
	if m.RetryAfter >= 0 {
		s += fmt.Sprintf(", retry after %v", m.RetryAfter)
	}
	return s
}

// NewRequest returns a request.
func NewRequest(method, callID, from, to string, cseq uint32) *Message {
	return &Message{Method: method, CallID: callID, From: from, To: to, CSeq: cseq, RetryAfter: NoRetryAfter}
}

// NoRetryAfter says that a message has no Retry-After.
const NoRetryAfter time.Duration = -1

// Respond returns a response to a request (§8.2.6.2).
func (m *Message) Respond(status int) *Message {
	return &Message{
		Method: m.Method, Status: status, CallID: m.CallID, From: m.From, To: m.To, CSeq: m.CSeq,
		Branches: m.Branches, RetryAfter: NoRetryAfter,
	}
}

// cookie begins the branches of RFC 3261 (§8.1.1.7).
const cookie = "z9hG4bK"

// Marshal returns the message as text (§7).
func (m *Message) Marshal() []byte {
	var b bytes.Buffer
	if m.Request() {
		fmt.Fprintf(&b, "%s sip:%s SIP/2.0\r\n", m.Method, uri(m.To))
	} else {
		fmt.Fprintf(&b, "SIP/2.0 %d %s\r\n", m.Status, reasons[m.Status])
	}
	for _, branch := range m.Branches {
		host, id, _ := strings.Cut(branch, ";")
		fmt.Fprintf(&b, "Via: SIP/2.0/TCP %s;branch=%s%s\r\n", host, cookie, id)
	}
	if m.Request() {
		b.WriteString("Max-Forwards: 70\r\n")
	}
	fmt.Fprintf(&b, "From: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %d %s\r\n", address(m.From), address(m.To), m.CallID, m.CSeq, m.Method)
	if m.Method == Invite {
		contact := m.From
		if !m.Request() {
			contact = m.To
		}
		fmt.Fprintf(&b, "Contact: <sip:%s>\r\n", uri(contact))
	}
	if m.RetryAfter >= 0 {
		fmt.Fprintf(&b, "Retry-After: %d\r\n", int64(m.RetryAfter/time.Second))
	}
	if m.Glare != 0 {
		fmt.Fprintf(&b, "%s: %d\r\n", glareHeader, m.Glare)
	}
	if m.Body != "" {
		b.WriteString("Content-Type: application/sdp\r\n")
	}
	fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n%s", len(m.Body), m.Body)
	return b.Bytes()
}

// glareHeader carries an offer's value, as the mail of 002 proposes without a name.
const glareHeader = "Glare-Resolution"

// uri returns the address of "name@host;tag=x", and address the header's form of it.
func uri(party string) string {
	u, _, _ := strings.Cut(party, ";")
	return u
}

func address(party string) string {
	u, tag, ok := strings.Cut(party, ";")
	if !ok {
		return "<sip:" + u + ">"
	}
	return "<sip:" + u + ">;" + tag
}

func parseAddress(field string) (string, error) {
	rest, ok := strings.CutPrefix(field, "<sip:")
	u, tag, closed := strings.Cut(rest, ">")
	if !ok || !closed || !token(u) || tag != "" && (tag[0] != ';' || !token(tag[1:])) {
		return "", fmt.Errorf("%q is no address", field)
	}
	return u + tag, nil
}

// token reports whether something is one word without what separates others.
func token(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7f || strings.ContainsRune("<>;,", r) })
}

// maxMessage bounds what a stream may make its reader keep.
const maxMessage = 1 << 16

// ErrIncomplete says that a stream ends within a message.
var ErrIncomplete = errors.New("sip: the message isn't complete")

// Parse reads a message at the beginning of a stream (§18.3), and returns how much of it that was; [ErrIncomplete] if
// there is more to come. Header fields that it doesn't know are left out.
func Parse(b []byte) (*Message, int, error) {
	head, _, ok := bytes.Cut(b, []byte("\r\n\r\n"))
	if !ok {
		if len(b) > maxMessage {
			return nil, 0, errors.New("sip: a header without an end")
		}
		return nil, 0, ErrIncomplete
	}
	lines := strings.Split(string(head), "\r\n")
	m := &Message{RetryAfter: NoRetryAfter}
	if err := m.parseStart(lines[0]); err != nil {
		return nil, 0, fmt.Errorf("sip: %w", err)
	}
	length, method := -1, ""
	for _, line := range lines[1:] {
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			return nil, 0, fmt.Errorf("sip: %q is no header field", line)
		}
		value = strings.TrimSpace(value)
		var err error
		switch strings.ToLower(name) {
		case "via":
			err = m.parseVia(value)
		case "from":
			m.From, err = parseAddress(value)
		case "to":
			m.To, err = parseAddress(value)
		case "call-id":
			if m.CallID = value; !token(value) {
				err = fmt.Errorf("%q is no id", value)
			}
		case "cseq":
			number, of, _ := strings.Cut(value, " ")
			var n uint64
			n, err = strconv.ParseUint(number, 10, 31)
			m.CSeq, method = uint32(n), of
		case "retry-after":
			var n uint64
			n, err = strconv.ParseUint(value, 10, 31)
			m.RetryAfter = time.Duration(n) * time.Second
		case strings.ToLower(glareHeader):
			var n uint64
			n, err = strconv.ParseUint(value, 10, 32)
			m.Glare = uint32(n)
		case "content-length":
			length, err = strconv.Atoi(value)
		}
		if err != nil {
			return nil, 0, fmt.Errorf("sip: %s: %w", name, err)
		}
	}
	switch {
	case length < 0 || length > maxMessage:
		return nil, 0, errors.New("sip: no Content-Length, which a stream needs")
	case m.CallID == "" || m.From == "" || m.To == "" || method == "":
		return nil, 0, errors.New("sip: Call-ID, From, To or CSeq is missing")
	case m.Request() && method != m.Method:
		return nil, 0, fmt.Errorf("sip: a CSeq of %s in a %s", method, m.Method)
	}
	m.Method = method
	at := len(head) + 4
	if len(b) < at+length {
		return nil, 0, ErrIncomplete
	}
	m.Body = string(b[at : at+length])
	return m, at + length, nil
}

func (m *Message) parseStart(line string) error {
	if status, ok := strings.CutPrefix(line, "SIP/2.0 "); ok {
		code, _, _ := strings.Cut(status, " ")
		n, err := strconv.Atoi(code)
		if err != nil || n < 100 || n > 699 {
			return fmt.Errorf("%q is no status", line)
		}
		m.Status = n
		return nil
	}
	words := strings.Split(line, " ")
	if len(words) != 3 || words[2] != "SIP/2.0" || !slices.Contains([]string{Invite, Ack, Cancel, Bye}, words[0]) {
		return fmt.Errorf("%q is no request", line)
	}
	m.Method = words[0]
	return nil
}

func (m *Message) parseVia(value string) error {
	rest, ok := strings.CutPrefix(value, "SIP/2.0/TCP ")
	host, branch, found := strings.Cut(rest, ";branch="+cookie)
	if !ok || !found || !token(host) || !token(branch) {
		return fmt.Errorf("%q has no branch", value)
	}
	m.Branches = append(m.Branches, host+";"+branch)
	return nil
}
