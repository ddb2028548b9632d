package plots

import (
	"fmt"
	"testing"

	"rtpfabric/sim/record"
)

// wlan is an access point with stations, of which each sends to a host behind a
// wire.
func wlan(stations int, slow ...int) record.Topology {
	top := record.Topology{Type: "point-to-point", Nodes: []string{"AP", "far"}}
	top.Links = append(top.Links, record.Link{Name: "wire", From: "AP", To: "far", Forward: "10Mbps", Backward: "10Mbps"})
	for i := range stations {
		label := "channel wlan"
		for _, s := range slow {
			if s == i {
				label = "channel other"
			}
		}
		node := fmt.Sprint("sta", i)
		top.Nodes = append(top.Nodes, node)
		top.Links = append(top.Links, record.Link{Name: fmt.Sprint("air", i), From: node, To: "AP", Forward: label, Backward: label})
		top.Endpoints = append(top.Endpoints,
			record.Endpoint{Name: fmt.Sprint("S", i), At: node}, record.Endpoint{Name: fmt.Sprint("R", i), At: "far"})
		top.Flows = append(top.Flows, record.Flow{Name: fmt.Sprint("S", i, "/video"), From: fmt.Sprint("S", i), To: fmt.Sprint("R", i), Kind: "video"})
	}
	return top
}

func TestFold(t *testing.T) {
	for _, tt := range []struct {
		name                           string
		top                            record.Topology
		nodes, links, endpoints, flows int
	}{
		{"a few stay as they are", wlan(3), 5, 4, 6, 3},
		{"many that are alike", wlan(16), 3, 2, 2, 1},
		{"but for two", wlan(16, 3, 7), 5, 4, 4, 3},
	} {
		got := fold(tt.top)
		if n := [4]int{len(got.Nodes), len(got.Links), len(got.Endpoints), len(got.Flows)}; n != [4]int{tt.nodes, tt.links, tt.endpoints, tt.flows} {
			t.Errorf("%s: nodes, links, endpoints and flows are %v", tt.name, n)
		}
		for _, f := range got.Flows {
			if l := newLayout(got); l.at(f.From) == "" || l.at(f.To) == "" {
				t.Errorf("%s: %s leads nowhere", tt.name, f.Name)
			}
		}
	}
}
