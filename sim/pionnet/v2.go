package pionnet

import (
	"net"

	"github.com/pion/transport/v2/vnet"
)

// v2 is the line that the project began with.
var v2 = library[*vnet.Router, vnet.NIC, vnet.ChunkFilter]{
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
			return nil, nil, &Unable{"its filter for delays sends no packet that is due to the nanosecond: virtual time stands still"}
		}
		if s.Rate > 0 {
			f, err := vnet.NewTokenBucketFilter(nic,
				vnet.TBFRate(int(s.Rate)), vnet.TBFMaxBurst(int(s.Burst)), vnet.TBFQueueSizeInBytes(int(s.Queue)))
			if err != nil {
				return nil, nil, err
			}
			nic, v.close = f, []func() error{f.Close}
			v.set = func(c Change) { f.Set(vnet.TBFRate(int(c.Rate))) }
		}
		return nic, v, nil
	},
	filter: func(keep func([]byte) bool) vnet.ChunkFilter {
		return func(c vnet.Chunk) bool { return keep(c.UserData()) }
	},
}
