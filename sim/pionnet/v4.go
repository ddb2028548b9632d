package pionnet

import (
	"net"

	"github.com/pion/transport/v4/vnet"
)

// v4 is the line that is maintained.
var v4 = library[*vnet.Router, vnet.NIC, vnet.ChunkFilter]{
	newRouter: func(c routerConfig) (*vnet.Router, error) {
		config := &vnet.RouterConfig{
			Name: c.name, CIDR: c.cidr, StaticIPs: c.external, MinDelay: c.delay, LoggerFactory: quiet,
			NATType: &vnet.NATType{Mode: vnet.NATModeNAT1To1},
		}
		if n := c.nat; n != nil {
			config.NATType = &vnet.NATType{
				MappingBehavior:   vnet.EndpointDependencyType(n.Mapping),
				FilteringBehavior: vnet.EndpointDependencyType(n.Filtering),
				MappingLifeTime:   n.Timeout,
			}
		}
		return vnet.NewRouter(config)
	},
	nic: func(r *vnet.Router) vnet.NIC { return r },
	newHost: func(addr string) (vnet.NIC, listener, error) {
		n, err := vnet.NewNet(&vnet.NetConfig{StaticIPs: []string{addr}})
		return n, func(a *net.UDPAddr) (net.PacketConn, error) { return n.ListenUDP("udp4", a) }, err
	},
	newStage: func(nic vnet.NIC, s *Stage) (vnet.NIC, *valve, error) {
		v := &valve{}
		if s.Delay > 0 {
			f, err := vnet.NewDelayFilter(nic, vnet.WithDelay(s.Delay))
			if err != nil {
				return nil, nil, err
			}
			nic, v.close = f, append(v.close, f.Close)
		}
		if s.Rate > 0 {
			bucket := vnet.NewTBFQueue(int(s.Rate), int(s.Burst), int64(s.Queue))
			q, err := vnet.NewQueue(nic, bucket)
			if err != nil {
				return nil, nil, err
			}
			nic, v.close = q, append([]func() error{q.Close}, v.close...)
			v.set = func(c Change) {
				bucket.SetRate(int(c.Rate))
				bucket.SetSize(int64(c.Queue))
			}
		}
		return nic, v, nil
	},
	filter: func(keep func([]byte) bool) vnet.ChunkFilter {
		return func(c vnet.Chunk) bool { return keep(c.UserData()) }
	},
}
