package hosted

import (
	"context"
	"fmt"
	"net"
	"strconv"

	"github.com/pion/transport/v4"

	"rtpfabric/sim/packet"
)

var _ transport.Net = (*Host)(nil)

// errNoTCP is what guests get that want TCP.
var errNoTCP = fmt.Errorf("rtpfabric has no TCP for hosted stacks: %w", transport.ErrNotSupported)

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

// Dial opens a connected UDP socket.
func (h *Host) Dial(network, address string) (net.Conn, error) {
	if network != "udp" && network != "udp4" {
		return nil, &net.OpError{Op: "dial", Net: network, Err: errNoTCP}
	}
	to, err := h.ResolveUDPAddr(network, address)
	if err != nil {
		return nil, err
	}
	return h.DialUDP(network, nil, to)
}

// ListenTCP isn't supported.
func (h *Host) ListenTCP(network string, local *net.TCPAddr) (transport.TCPListener, error) {
	return nil, &net.OpError{Op: "listen", Net: network, Addr: local, Err: errNoTCP}
}

// DialTCP isn't supported.
func (h *Host) DialTCP(network string, _, remote *net.TCPAddr) (transport.TCPConn, error) {
	return nil, &net.OpError{Op: "dial", Net: network, Addr: remote, Err: errNoTCP}
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

// CreateDialer returns what dials on this host.
func (h *Host) CreateDialer(*net.Dialer) transport.Dialer { return h }

// CreateListenConfig returns what listens on this host.
func (h *Host) CreateListenConfig(*net.ListenConfig) transport.ListenConfig { return listenConfig{h} }

type listenConfig struct{ host *Host }

// Listen isn't supported.
func (c listenConfig) Listen(_ context.Context, network, _ string) (net.Listener, error) {
	return nil, &net.OpError{Op: "listen", Net: network, Err: errNoTCP}
}

// ListenPacket opens a UDP socket.
func (c listenConfig) ListenPacket(_ context.Context, network, address string) (net.PacketConn, error) {
	return c.host.ListenPacket(network, address)
}
