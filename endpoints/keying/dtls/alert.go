package dtls

import (
	"errors"
	"fmt"

	"rtpfabric/sim/simtime"
)

// Alert is the description of an alert (RFC 5246 §7.2).
type Alert uint8

// The alerts that this package sends.
const (
	closeNotify            Alert = 0
	UnexpectedMessage      Alert = 10
	HandshakeFailure       Alert = 40
	BadCertificate         Alert = 42
	UnsupportedCertificate Alert = 43
	IllegalParameter       Alert = 47
	DecodeError            Alert = 50
	DecryptError           Alert = 51
	ProtocolVersion        Alert = 70
)

var alertNames = map[Alert]string{
	closeNotify: "close_notify", UnexpectedMessage: "unexpected_message", HandshakeFailure: "handshake_failure",
	BadCertificate: "bad_certificate", UnsupportedCertificate: "unsupported_certificate",
	IllegalParameter: "illegal_parameter", DecodeError: "decode_error", DecryptError: "decrypt_error",
	ProtocolVersion: "protocol_version",
}

// String returns the name that RFC 5246 has.
func (a Alert) String() string {
	if name, ok := alertNames[a]; ok {
		return name
	}
	return fmt.Sprintf("alert %d", uint8(a))
}

// Why a handshake failed.
var (
	// ErrTimeout: the other end didn't answer.
	ErrTimeout = errors.New("no answer to a handshake flight")
	// ErrFingerprint: the other end's certificate isn't the one that was
	// signalled.
	ErrFingerprint = errors.New("certificate has another fingerprint than was signalled")
	// ErrNoProfile: the ends have no protection profile in common.
	ErrNoProfile = errors.New("no common SRTP protection profile")
)

// AlertError is a fatal alert.
type AlertError struct {
	Alert Alert
	// FromPeer says that the other end sent it.
	FromPeer bool
	// Err says more, if this end sent it.
	Err error
}

// Error implements error.
func (e *AlertError) Error() string {
	if e.FromPeer {
		return "the other end sent " + e.Alert.String()
	}
	return fmt.Sprintf("%v: %v", e.Alert, e.Err)
}

// Unwrap returns the reason.
func (e *AlertError) Unwrap() error { return e.Err }

const (
	warning = 1
	fatal   = 2
)

// fail ends the connection with a fatal alert to the other end.
func (c *Conn) fail(a Alert, err error) {
	c.fatal = &a
	c.sendAlert(a)
	c.over(&AlertError{Alert: a, Err: err})
}

// over ends the handshake with an error.
func (c *Conn) over(err error) {
	c.err = err
	c.timer.deadline, c.keys.timer.deadline = simtime.Never, simtime.Never
	c.to(Failed)
}

func (c *Conn) sendAlert(a Alert) {
	level := byte(fatal)
	if a == closeNotify {
		level = warning
	}
	c.emit(c.send.record(nil, alertRecord, version12, c.send.epoch, []byte{level, byte(a)}))
	c.stats.AlertsSent++
}

// handleAlert takes an alert of the given epoch. Once there is protection, one
// without it says nothing.
func (c *Conn) handleAlert(epoch uint16, body []byte) {
	if len(body) != 2 || body[0] != warning && body[0] != fatal || epoch == 0 && c.state == Finished {
		c.stats.BadRecords++
		return
	}
	c.stats.Records++
	c.stats.AlertsReceived++
	a := Alert(body[1])
	switch {
	case a == closeNotify && c.state != Preparing:
		c.timer.deadline, c.keys.timer.deadline = simtime.Never, simtime.Never
		c.to(Closed)
	case body[0] == fatal:
		c.over(&AlertError{Alert: a, FromPeer: true})
	}
}
