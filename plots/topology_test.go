package plots

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"rtpfabric/sim/record"
)

// star joins three nodes through a fourth; one endpoint stands at each.
func star() record.Topology {
	top := record.Topology{Type: "forwarder", Nodes: []string{"M", "N1", "N2", "N3"}}
	for i := 1; i <= 3; i++ {
		node, endpoint := fmt.Sprintf("N%d", i), fmt.Sprintf("E%d", i)
		top.Links = append(top.Links, record.Link{Name: "l" + node, From: "M", To: node, Forward: "5Mbps", Backward: "1Mbps"})
		top.Endpoints = append(top.Endpoints, record.Endpoint{Name: endpoint, At: node})
		top.Flows = append(top.Flows, record.Flow{Name: endpoint + "/video", From: endpoint, To: "F", Kind: "video"})
	}
	top.Endpoints = append(top.Endpoints, record.Endpoint{Name: "F", At: "M"})
	return top
}

// parkingLot is a row whose links are written in either direction.
func parkingLot() record.Topology {
	return record.Topology{
		Type: "point-to-point", Nodes: []string{"A", "B", "C"},
		Links: []record.Link{
			{Name: "l1", From: "A", To: "B", Forward: "10Mbps, delay 20ms, drop-tail 300ms, random loss 1%", Backward: "1Mbps"},
			{Name: "l2", From: "C", To: "B", Forward: "3Mbps", Backward: "2Mbps"},
		},
		Endpoints: []record.Endpoint{{Name: "S1", At: "A"}, {Name: "S2", At: "B"}, {Name: "R1", At: "C"}, {Name: "R2", At: "C"}},
		Flows: []record.Flow{
			{Name: "S1/video", From: "S1", To: "R1"}, {Name: "S2/video", From: "S2", To: "R2"}, {Name: "R1/video", From: "R1", To: "S1"},
		},
	}
}

func TestNothingOverlapsOrLeavesTheDrawing(t *testing.T) {
	tops := map[string]record.Topology{"star": star(), "parking lot": parkingLot()}
	for pairs := 1; pairs <= 5; pairs++ {
		tops[fmt.Sprintf("%d pairs", pairs)] = synthetic(pairs).Manifest.Topology
	}
	for name, top := range tops {
		t.Run(name, func(t *testing.T) {
			s := newSketch(top, newPalette(&record.Record{}))
			if len(s.Boxes) != len(top.Endpoints) || len(s.Nodes) != len(top.Nodes) || len(s.Flows) != len(top.Flows) {
				t.Fatalf("drawn are %d boxes, %d nodes, %d flows", len(s.Boxes), len(s.Nodes), len(s.Flows))
			}
			for i, b := range s.Boxes {
				if b.X < 0 || b.Y < 0 || b.X+b.Width > s.Width || b.Y+b.Height > s.Height {
					t.Errorf("box %s leaves the drawing of %v by %v: %v, %v", b.Name, s.Width, s.Height, b.X, b.Y)
				}
				for _, o := range s.Boxes[:i] {
					if math.Abs(b.X-o.X) < b.Width && math.Abs(b.Y-o.Y) < b.Height {
						t.Errorf("boxes %s and %s overlap", b.Name, o.Name)
					}
				}
				for _, n := range s.Nodes {
					if math.Abs(b.MiddleX()-n.X) < b.Width/2+n.R && math.Abs(b.MiddleY()-n.Y) < b.Height/2+n.R {
						t.Errorf("box %s and node %s overlap", b.Name, n.Name)
					}
				}
			}
			for _, f := range s.Flows {
				if strings.Contains(f.Path+f.Head, "NaN") || f.Head == "" {
					t.Errorf("%s is drawn as %q with head %q", f.Title, f.Path, f.Head)
				}
			}
		})
	}
}

func TestRowFollowsTheLinks(t *testing.T) {
	top := parkingLot()
	top.Nodes = []string{"B", "C", "A"}
	l := newLayout(top)
	if got := strings.Join(l.order, ""); !l.row || got != "CBA" {
		t.Errorf("order is %s (row %v), want CBA", got, l.row)
	}
	if route := strings.Join(l.routes[0], ""); route != "ABC" {
		t.Errorf("S1 reaches R1 by %s, want ABC", route)
	}
	if newLayout(star()).row {
		t.Error("a star is laid out as a row")
	}
}

func TestLinkLabelsPointTheirWay(t *testing.T) {
	s := newSketch(parkingLot(), newPalette(&record.Record{}))
	var lines []string
	for _, c := range s.Texts {
		lines = append(lines, strings.Join(c.Lines, " / "))
	}
	// l2 is written from right to left.
	want := "l1; → 10Mbps, delay 20ms, drop-tail / 300ms, random loss 1%; ← 1Mbps; l2; ← 3Mbps; → 2Mbps"
	if got := strings.Join(lines, "; "); got != want {
		t.Errorf("captions are %s, want %s", got, want)
	}
}

func TestFlowWithoutAWayHasNoLine(t *testing.T) {
	top := synthetic(1).Manifest.Topology
	top.Links = nil
	s := newSketch(top, newPalette(&record.Record{}))
	if len(s.Flows) != 0 || len(s.Legend) != 2 {
		t.Errorf("%d lines and %d rows, want 0 and 2", len(s.Flows), len(s.Legend))
	}
	if newSketch(record.Topology{}, newPalette(&record.Record{})) != nil {
		t.Error("a topology without nodes is drawn")
	}
}
