package carrier

import (
	"bytes"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/gobwas/ws"

	"rtpfabric/endpoints/signalling"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
)

// WebSocket carries each message as a frame of text, so that a server can push them.
type WebSocket struct {
	inbox
	untimed
	stream  stream
	parse   Parse
	random  *rng.Stream // of a client; nil at a server
	target  string
	host    string
	key     string
	up      bool // the opening handshake is over
	waiting []signalling.Message
}

// NewWebSocketClient returns the end of a client that opens the connection to a host. What is random about it, its key and the
// masks of its frames, comes from a stream of its own.
func NewWebSocketClient(client, host string, parse Parse, random *rng.Stream) *WebSocket {
	return &WebSocket{target: target(client), host: host, parse: parse, random: random}
}

// NewWebSocketServer returns the other end.
func NewWebSocketServer(parse Parse) *WebSocket { return &WebSocket{parse: parse} }

// Streams returns 1.
func (*WebSocket) Streams() int { return 1 }

// Open begins the opening handshake (RFC 6455 §4.1).
func (w *WebSocket) Open(now simtime.Time, _ int) {
	w.stream.open = true
	if w.random == nil {
		return
	}
	var nonce [16]byte
	_, _ = w.random.Read(nonce[:])
	w.key = base64.StdEncoding.EncodeToString(nonce[:])
	w.stream.out = fmt.Appendf(w.stream.out, "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n\r\n", w.target, w.host, w.key)
}

// Send sends a message, or keeps it until the handshake is over.
func (w *WebSocket) Send(_ simtime.Time, m signalling.Message) {
	if !w.up {
		w.waiting = append(w.waiting, m)
		return
	}
	w.write(ws.NewTextFrame(m.Marshal()))
}

// write sends a frame, which a client masks (§5.3).
func (w *WebSocket) write(f ws.Frame) {
	if w.random != nil {
		var mask [4]byte
		_, _ = w.random.Read(mask[:])
		f = ws.MaskFrameInPlaceWith(f, mask)
	}
	w.stream.out = append(w.stream.out, ws.MustCompileFrame(f)...)
}

// Feed takes octets.
func (w *WebSocket) Feed(now simtime.Time, _ int, b []byte) error {
	w.stream.in = append(w.stream.in, b...)
	if !w.up {
		if err := w.shake(now); err != nil || !w.up {
			return err
		}
	}
	for len(w.stream.in) > 0 {
		whole, err := w.readFrame()
		if err != nil || !whole {
			return err
		}
	}
	return nil
}

// shake goes on with the opening handshake (§4.2.2).
func (w *WebSocket) shake(now simtime.Time) error {
	if w.random != nil {
		p, _, err := w.stream.readResponse(nil)
		if p == nil {
			return err
		}
		if p.StatusCode != http.StatusSwitchingProtocols || p.Header.Get("Sec-WebSocket-Accept") != acceptKey(w.key) {
			return fmt.Errorf("carrier: the server doesn't speak WebSocket: %s", p.Status)
		}
	} else {
		q, _, err := w.stream.readRequest()
		if q == nil {
			return err
		}
		key := q.Header.Get("Sec-WebSocket-Key")
		if q.Method != http.MethodGet || !strings.EqualFold(q.Header.Get("Upgrade"), "websocket") || key == "" || q.Header.Get("Sec-WebSocket-Version") != "13" {
			return errors.New("carrier: the client doesn't speak WebSocket")
		}
		w.stream.out = fmt.Appendf(w.stream.out, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
			"Sec-WebSocket-Accept: %s\r\n\r\n", acceptKey(key))
	}
	w.up = true
	for _, m := range w.waiting {
		w.Send(now, m)
	}
	w.waiting = nil
	return nil
}

// side is what a frame is checked for.
func (w *WebSocket) side() ws.State {
	if w.random == nil {
		return ws.StateServerSide
	}
	return ws.StateClientSide
}

// acceptKey proves that a server has read a key (§1.3).
func acceptKey(key string) string {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// readFrame takes a frame, and reports whether all of it was there.
func (w *WebSocket) readFrame() (bool, error) {
	r := bytes.NewReader(w.stream.in)
	h, err := ws.ReadHeader(r)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return false, nil
	}
	switch {
	case err != nil:
		return false, fmt.Errorf("carrier: %w", err)
	case h.Length < 0 || h.Length > maxBody:
		return false, fmt.Errorf("carrier: a frame of %d octets", h.Length)
	case ws.CheckHeader(h, w.side()) != nil: // §5.1, §5.2, §5.5
		return false, fmt.Errorf("carrier: %w", ws.CheckHeader(h, w.side()))
	case !h.Fin || h.OpCode == ws.OpContinuation || h.OpCode == ws.OpBinary:
		return false, errors.New("carrier: a message in fragments, or not of text")
	case int64(r.Len()) < h.Length:
		return false, nil
	}
	begin := len(w.stream.in) - r.Len()
	payload := w.stream.in[begin : begin+int(h.Length)]
	if h.Masked {
		ws.Cipher(payload, h.Mask, 0)
	}
	switch h.OpCode {
	case ws.OpText:
		m, err := w.parse(payload)
		if err != nil {
			return false, err
		}
		w.messages = append(w.messages, m)
	case ws.OpPing:
		w.write(ws.NewPongFrame(bytes.Clone(payload)))
	case ws.OpClose: // §5.5.1
		w.write(ws.NewCloseFrame(bytes.Clone(payload)))
		return false, errors.New("carrier: the other end has closed")
	default: // a pong
	}
	w.stream.taken(begin + int(h.Length))
	return true, nil
}

// Output returns octets to send.
func (w *WebSocket) Output(int) []byte { return w.stream.output() }
