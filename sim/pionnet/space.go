package pionnet

import (
	"fmt"

	"rtpfabric/sim/packet"
)

type ipv4 = packet.IPv4

// space says which addresses routers and hosts have in vnet. A router forwards by the prefix of
// what is below it, so that addresses follow the tree.
type space struct {
	of       map[*Router]*subnet
	hosts    map[ipv4]ipv4 // by the address that packets name
	outside  map[ipv4]ipv4 // of NATs, likewise
	observer ipv4          // a host at the root that answers nobody
}

// subnet is a router's.
type subnet struct {
	base    ipv4
	bits    int
	below   []ipv4 // what the router above sees of it
	outside ipv4   // of a NAT
	routers int    // directly below
	hosts   int    // and hosts, and the outsides of NATs
}

// level is how many bits tell a router's children apart.
const (
	level      = 5
	rootBits   = 8
	deepest    = 28
	rootBase   = ipv4(10 << 24)
	maxBelow   = 1<<level - 1
	maxRouters = (deepest - rootBits) / level
)

// one is the subnet of a single address.
func one(a ipv4) subnet { return subnet{base: a, bits: 32, below: []ipv4{a}} }

func (s *subnet) cidr() string { return fmt.Sprintf("%v/%d", s.base, s.bits) }

// external returns the addresses that a router has in the one above: its own if it is a NAT;
// otherwise those below, unchanged.
func (s *subnet) external(nat *NAT) []string {
	if nat != nil {
		return []string{s.outside.String()}
	}
	var list []string
	for _, a := range s.below {
		list = append(list, fmt.Sprintf("%v/%v", a, a))
	}
	return list
}

// host returns the subnet's next address that isn't a router's below.
func (s *subnet) host() (ipv4, error) {
	free := 32 - level - s.bits // the bits of those that are in no router's below
	if s.bits == deepest {
		free = 32 - deepest
	}
	room := 1 << free
	if s.hosts++; s.hosts > room-2 {
		return 0, &Unable{fmt.Sprintf("there are more than %d hosts at a router that deep: vnet's addresses follow its tree", room-2)}
	}
	return s.base + ipv4(s.hosts), nil
}

// router returns the subnet of the next router below.
func (s *subnet) router() (*subnet, error) {
	switch s.routers++; {
	case s.bits == deepest:
		return nil, &Unable{fmt.Sprintf("there are more than %d routers one below the other", maxRouters)}
	case s.routers > maxBelow:
		return nil, &Unable{fmt.Sprintf("there are more than %d routers below one", maxBelow)}
	}
	return &subnet{base: s.base + ipv4(s.routers)<<(32-level-s.bits), bits: s.bits + level}, nil
}

// number gives everybody an address.
func number(tree *Router) (*space, error) {
	s := &space{of: map[*Router]*subnet{}, hosts: map[ipv4]ipv4{}, outside: map[ipv4]ipv4{}}
	root := &subnet{base: rootBase, bits: rootBits}
	if err := s.number(tree, root); err != nil {
		return nil, err
	}
	var err error
	s.observer, err = root.host()
	return s, err
}

func (s *space) number(r *Router, at *subnet) error {
	s.of[r] = at
	for i := range r.Hosts {
		a, err := at.host()
		if err != nil {
			return err
		}
		s.hosts[r.Hosts[i].Addr] = a
		at.below = append(at.below, a)
	}
	for _, c := range r.Routers {
		below, err := at.router()
		if err != nil {
			return err
		}
		if err := s.number(c, below); err != nil {
			return err
		}
		if c.NAT == nil {
			at.below = append(at.below, below.below...)
			continue
		}
		if below.outside, err = at.host(); err != nil {
			return err
		}
		s.outside[c.NAT.External] = below.outside
		at.below = append(at.below, below.outside)
	}
	return nil
}
