package pionnet

import (
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/pion/logging"
)

// A library is a line of vnet. Its types have the same names and methods in all lines, and are
// different types: R is a *vnet.Router, N a vnet.NIC, F a vnet.ChunkFilter.
type library[R router[R, N, F], N, F any] struct {
	newRouter func(c routerConfig) (R, error)
	nic       func(r R) N
	newHost   func(addr string) (N, listener, error)
	// newStage puts a stage before something.
	newStage func(before N, s *Stage) (N, *valve, error)
	filter   func(keep func(payload []byte) bool) F
}

type router[R, N, F any] interface {
	AddNet(nic N) error
	AddChildRouter(child R) error
	AddChunkFilter(filter F)
	Start() error
	Stop() error
}

// listener opens a socket.
type listener func(a *net.UDPAddr) (net.PacketConn, error)

// routerConfig is what both lines ask of a router.
type routerConfig struct {
	name, cidr string
	external   []string // addresses in the router above, with those below behind a slash if they are fixed
	delay      time.Duration
	nat        *NAT // nil: one to one
}

// valve is what can be done with a stage.
type valve struct {
	set   func(c Change)
	close []func() error // in the order of packets
}

// quiet keeps vnet from writing to the terminal.
var quiet = &logging.DefaultLoggerFactory{DefaultLogLevel: logging.LogLevelDisabled, Writer: io.Discard, ScopeLevels: map[string]logging.LogLevel{}}

// building is held while a network is built: each line numbers the MAC addresses of all networks of
// the process by a counter that it doesn't guard, and runs build networks side by side.
var building sync.Mutex

// build makes the tree and starts it.
func (lib *library[R, N, F]) build(tree *Router) (*network, error) {
	building.Lock()
	defer building.Unlock()
	space, err := number(tree)
	if err != nil {
		return nil, err
	}
	n := &network{space: space, hosts: map[ipv4]listener{}}
	root, err := lib.addRouter(n, tree)
	if err == nil {
		var observer N
		observer, n.hosts[space.observer], err = lib.newHost(space.observer.String())
		if err == nil {
			err = root.AddNet(observer)
		}
	}
	if err == nil {
		err = root.Start()
	}
	if err != nil {
		for _, stop := range n.close {
			_ = stop() // the first error tells more
		}
		return nil, fmt.Errorf("vnet: %w", err)
	}
	n.stop = root.Stop
	return n, nil
}

// addRouter makes a router with everything below it.
func (lib *library[R, N, F]) addRouter(n *network, r *Router) (R, error) {
	at := n.space.of[r]
	made, err := lib.newRouter(routerConfig{
		name: r.Name, cidr: at.cidr(), external: at.external(r.NAT), delay: r.Delay, nat: r.NAT,
	})
	if err != nil {
		return made, fmt.Errorf("router %s: %w", r.Name, err)
	}
	if len(r.Loses) > 0 {
		made.AddChunkFilter(lib.filter(func(payload []byte) bool { return !r.Loses[idOf(payload)] }))
	}
	for i := range r.Hosts {
		h := &r.Hosts[i]
		addr := n.space.hosts[h.Addr]
		nic, listen, err := lib.newHost(addr.String())
		if err == nil {
			n.hosts[addr] = listen
			err = lib.hang(n, made, &h.Above, branch[R, N]{nic: nic, seen: one(addr)})
		}
		if err != nil {
			return made, fmt.Errorf("host %v: %w", h.Addr, err)
		}
	}
	for _, c := range r.Routers {
		child, err := lib.addRouter(n, c)
		if err != nil {
			return made, err
		}
		seen := *n.space.of[c]
		if c.NAT != nil {
			seen = one(seen.outside)
		}
		if err := lib.hang(n, made, &c.Above, branch[R, N]{nic: lib.nic(child), router: &child, seen: seen}); err != nil {
			return made, fmt.Errorf("router %s: %w", c.Name, err)
		}
	}
	return made, nil
}

// branch is a host or a router with what is below it.
type branch[R, N any] struct {
	nic    N
	router *R // unless it is a host
	seen   subnet
}

// hang joins a branch and the router above it.
func (lib *library[R, N, F]) hang(n *network, above R, p *Path, b branch[R, N]) error {
	if p.Delay > 0 {
		line, err := lib.newRouter(routerConfig{cidr: b.seen.cidr(), external: b.seen.external(nil), delay: p.Delay})
		if err == nil {
			err = add(line, b)
		}
		if err != nil {
			return err
		}
		b.nic, b.router = lib.nic(line), &line
	}
	nic, v, err := lib.newStage(b.nic, &p.Down)
	if err != nil {
		return err
	}
	b.nic = nic
	n.close = append(n.close, v.close...)
	for _, c := range p.Down.Changes {
		n.changes = append(n.changes, change{c, v.set})
	}
	return add(above, b)
}

func add[R router[R, N, F], N, F any](above R, b branch[R, N]) error {
	if err := above.AddNet(b.nic); err != nil {
		return err
	}
	if b.router == nil {
		return nil
	}
	return above.AddChildRouter(*b.router)
}
