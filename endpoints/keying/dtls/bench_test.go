package dtls_test

import (
	"testing"
	"time"
)

// A whole handshake, both ends, with keys and certificates drawn.
func BenchmarkHandshake(b *testing.B) {
	b.ReportAllocs()
	var t testing.T
	for b.Loop() {
		p := newPipe(&t, 1, nil)
		p.run(time.Minute)
		p.wantConnected()
	}
}
