package turn

import (
	"time"

	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
)

// The times of RFC 8489 §6.2.1: RTO, Rc and Rm.
const (
	rto      = 500 * time.Millisecond
	requests = 7
	lastWait = 16
)

// transactionID tells requests and their responses from others (RFC 8489 §5).
type transactionID = [12]byte

// newID draws an identifier.
func newID(r *rng.Stream) (id transactionID) {
	_, _ = r.Read(id[:])
	return id
}

// transaction is a request that is sent until it is answered or given up.
type transaction struct {
	id      transactionID
	payload []byte
	sent    int
	next    simtime.Time // when it is sent again, or given up; Never of one that has ended
}

// begin makes it a request that is sent now.
func (t *transaction) begin(now simtime.Time, id transactionID, payload []byte) {
	*t = transaction{id: id, payload: payload, sent: 1, next: now.Add(rto)}
}

// handleTimeout reports whether the request has to be sent again now, or whether it is to be given up.
func (t *transaction) handleTimeout(now simtime.Time) (again, over bool) {
	if t.next > now {
		return false, false
	}
	if t.sent == requests {
		t.next = simtime.Never
		return false, true
	}
	t.sent++
	wait := rto << (t.sent - 1)
	if t.sent == requests {
		wait = lastWait * rto
	}
	t.next = now.Add(wait)
	return true, false
}
