package hosted

import (
	"context"
	"fmt"
	"net"
	"os"
	"strconv"
	"time"

	"github.com/pion/transport/v4"
	"github.com/pion/transport/v4/deadline"

	"rtpfabric/sim/packet"
)

var _ transport.Net = (*Host)(nil)

// errNoTCP is what guests get that want TCP of a host that has none.
var errNoTCP = fmt.Errorf("this host has no TCP: %w", transport.ErrNotSupported)

// ListenPacket opens a UDP socket.
func (h *Host) ListenPacket(network, address string) (net.PacketConn, error) {
	a, err := h.ResolveUDPAddr(network, address)
	if err != nil {
		return nil, err
	}
	s, err := h.ListenUDP(network, a)
	if err != nil {
		return nil, err
	}
	return s, nil
}

// ListenUDP opens a UDP socket; nil stands for any free port.
func (h *Host) ListenUDP(network string, local *net.UDPAddr) (transport.UDPConn, error) {
	s, err := h.bind(network, local, packet.Addr{})
	if err != nil {
		return nil, err
	}
	return s, nil
}

// DialUDP opens a UDP socket that is connected to an address.
func (h *Host) DialUDP(network string, local, remote *net.UDPAddr) (transport.UDPConn, error) {
	to, ok := addrOf(remote)
	if !ok || to.IP == 0 || to.Port == 0 {
		return nil, &net.OpError{Op: "dial", Net: network, Err: &net.AddrError{Err: "missing or unusable address", Addr: remote.String()}}
	}
	s, err := h.bind(network, local, to)
	if err != nil {
		return nil, err
	}
	return s, nil
}

func (h *Host) bind(network string, local *net.UDPAddr, remote packet.Addr) (*socket, error) {
	if network != "udp" && network != "udp4" {
		return nil, &net.OpError{Op: "listen", Net: network, Err: net.UnknownNetworkError(network)}
	}
	if local == nil {
		local = &net.UDPAddr{}
	}
	from, ok := addrOf(local)
	if !ok && !local.IP.IsUnspecified() {
		return nil, &net.OpError{Op: "listen", Net: network, Err: &net.AddrError{Err: "no address of IPv4", Addr: local.String()}}
	}
	from.Port = uint16(local.Port)
	return h.open(from, remote)
}

// Dial opens a connection of TCP, or a connected UDP socket.
func (h *Host) Dial(network, address string) (net.Conn, error) {
	return h.dialer(nil).Dial(network, address)
}

// DialContext does what Dial does, and gives up when the context is cancelled.
func (h *Host) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	if network == "udp" || network == "udp4" {
		return h.dialUDP(network, address)
	}
	to, err := h.ResolveTCPAddr(network, address)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: err}
	}
	s, err := h.dial(network, nil, to, ctx.Done(), func() error { return context.Cause(ctx) })
	if err != nil {
		return nil, err
	}
	return s, nil
}

func (h *Host) dialUDP(network, address string) (net.Conn, error) {
	to, err := h.ResolveUDPAddr(network, address)
	if err != nil {
		return nil, err
	}
	return h.DialUDP(network, nil, to)
}

// ListenTCP accepts connections of TCP; nil stands for any free port.
func (h *Host) ListenTCP(network string, local *net.TCPAddr) (transport.TCPListener, error) {
	l, err := h.listenTCP(network, local)
	if err != nil {
		return nil, err
	}
	return l, nil
}

// DialTCP opens a connection of TCP. Without an answer it gives up after two minutes, as Linux does.
func (h *Host) DialTCP(network string, local, remote *net.TCPAddr) (transport.TCPConn, error) {
	s, err := h.dial(network, local, remote, nil, nil)
	if err != nil {
		return nil, err
	}
	return s, nil
}

// ResolveIPAddr returns the address of a name, or a literal one.
func (h *Host) ResolveIPAddr(_, address string) (*net.IPAddr, error) {
	ip, err := h.lookup(address)
	return &net.IPAddr{IP: ip}, err
}

// ResolveUDPAddr returns the address of a name, or a literal one, and a port.
func (h *Host) ResolveUDPAddr(_, address string) (*net.UDPAddr, error) {
	ip, port, err := h.lookupPair(address)
	return &net.UDPAddr{IP: ip, Port: port}, err
}

// ResolveTCPAddr returns the address of a name, or a literal one, and a port.
func (h *Host) ResolveTCPAddr(_, address string) (*net.TCPAddr, error) {
	ip, port, err := h.lookupPair(address)
	return &net.TCPAddr{IP: ip, Port: port}, err
}

// Names gives the host a resolver, which knows the addresses of names. It takes no time. Goroutines of guests call it.
func (h *Host) Names(resolve func(name string) (packet.IPv4, bool)) { h.names = resolve }

func (h *Host) lookup(name string) (net.IP, error) {
	if name == "" {
		return net.IPv4zero, nil
	}
	if ip := net.ParseIP(name).To4(); ip != nil {
		return ip, nil
	}
	if h.names != nil {
		if a, ok := h.names(name); ok {
			return a.Netip().AsSlice(), nil
		}
	}
	return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
}

func (h *Host) lookupPair(address string) (net.IP, int, error) {
	name, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, 0, err
	}
	ip, err := h.lookup(name)
	if err != nil {
		return nil, 0, err
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil && port != "" {
		return nil, 0, &net.AddrError{Err: "no port", Addr: address}
	}
	return ip, int(n), nil
}

// Interfaces returns the only one, eth0.
func (h *Host) Interfaces() ([]*transport.Interface, error) {
	return []*transport.Interface{h.eth0()}, nil
}

// InterfaceByIndex knows number 1.
func (h *Host) InterfaceByIndex(index int) (*transport.Interface, error) {
	if index != 1 {
		return nil, fmt.Errorf("%w: index %d", transport.ErrInterfaceNotFound, index)
	}
	return h.eth0(), nil
}

// InterfaceByName knows eth0.
func (h *Host) InterfaceByName(name string) (*transport.Interface, error) {
	if name != "eth0" {
		return nil, fmt.Errorf("%w: %s", transport.ErrInterfaceNotFound, name)
	}
	return h.eth0(), nil
}

func (h *Host) eth0() *transport.Interface {
	i := transport.NewInterface(net.Interface{
		Index: 1, MTU: 1500, Name: "eth0", HardwareAddr: net.HardwareAddr{2, 0, byte(h.addr >> 24), byte(h.addr >> 16), byte(h.addr >> 8), byte(h.addr)},
		Flags: net.FlagUp | net.FlagRunning | net.FlagBroadcast,
	})
	i.AddAddress(&net.IPNet{IP: h.addr.Netip().AsSlice(), Mask: net.CIDRMask(8, 32)})
	return i
}

// CreateDialer returns what dials on this host. It keeps to the local address, the time-out, the deadline and the keep-alives of
// a net.Dialer, and to nothing else of it.
func (h *Host) CreateDialer(d *net.Dialer) transport.Dialer { return h.dialer(d) }

type dialer struct {
	host *Host
	like *net.Dialer
}

func (h *Host) dialer(like *net.Dialer) dialer {
	if like == nil {
		like = &net.Dialer{}
	}
	return dialer{h, like}
}

// Dial opens a connection of TCP, or a connected UDP socket.
func (d dialer) Dial(network, address string) (net.Conn, error) {
	if network == "udp" || network == "udp4" {
		return d.host.dialUDP(network, address)
	}
	to, err := d.host.ResolveTCPAddr(network, address)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: err}
	}
	local, _ := d.like.LocalAddr.(*net.TCPAddr)
	until := deadline.New()
	if t := d.like.Deadline; !t.IsZero() {
		until.Set(t)
	}
	if t := d.like.Timeout; t > 0 {
		if at := time.Now().Add(t); d.like.Deadline.IsZero() || at.Before(d.like.Deadline) {
			until.Set(at)
		}
	}
	s, err := d.host.dial(network, local, to, until.Done(), func() error { return os.ErrDeadlineExceeded })
	until.Set(time.Time{})
	if err != nil {
		return nil, err
	}
	switch t := d.like.KeepAlive; {
	case t < 0:
		_ = s.SetKeepAlive(false)
	case t > 0:
		_ = s.SetKeepAlivePeriod(t)
	}
	return s, nil
}

// CreateListenConfig returns what listens on this host.
func (h *Host) CreateListenConfig(*net.ListenConfig) transport.ListenConfig { return listenConfig{h} }

type listenConfig struct{ host *Host }

// Listen accepts connections of TCP.
func (c listenConfig) Listen(_ context.Context, network, address string) (net.Listener, error) {
	at, err := c.host.ResolveTCPAddr(network, address)
	if err != nil {
		return nil, &net.OpError{Op: "listen", Net: network, Err: err}
	}
	l, err := c.host.listenTCP(network, at)
	if err != nil {
		return nil, err
	}
	return l, nil
}

// ListenPacket opens a UDP socket.
func (c listenConfig) ListenPacket(_ context.Context, network, address string) (net.PacketConn, error) {
	return c.host.ListenPacket(network, address)
}
