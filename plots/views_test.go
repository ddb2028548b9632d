package plots

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"rtpfabric/sim/record"
)

func viewNamed(t *testing.T, views []view, kind, name string) view {
	t.Helper()
	i := slices.IndexFunc(views, func(v view) bool { return v.Kind == kind && v.Name == name })
	if i < 0 {
		t.Fatalf("no view %s of %s", name, kind)
	}
	return views[i]
}

func TestViewsHaveWhatBelongsToThem(t *testing.T) {
	r := synthetic(2)
	r.Manifest.Topology.Flows[0].Links = []string{"bottleneck/forward"}
	views := viewsOf(r)
	for _, c := range []struct {
		kind, name string
		want, not  []string
	}{
		{"Streams", "S1/video", []string{"S1/video", "S1-R1", "R1-S1", "bottleneck/forward"}, []string{"S1/audio", "S2/video", "bottleneck/backward"}},
		{"Endpoints and legs", "S1", []string{"S1/video", "S1/audio", "S1-R1", "R1-S1"}, []string{"S2/video", "S2-R2"}},
		{"Endpoints and legs", "R2", []string{"S2/video", "S2/audio", "S2-R2"}, []string{"S1/video"}},
		{"Links", "bottleneck", []string{"bottleneck/forward", "bottleneck/backward"}, []string{"S1/video"}},
	} {
		got := viewNamed(t, views, c.kind, c.name).Entities
		for _, e := range c.want {
			if !slices.Contains(got, e) {
				t.Errorf("the view of %s lacks %s: %v", c.name, e, got)
			}
		}
		for _, e := range c.not {
			if slices.Contains(got, e) {
				t.Errorf("the view of %s has %s", c.name, e)
			}
		}
	}
}

// A leg has the streams that go over it, and not all streams of a source that has the same name in front.
func TestLegOfAMiddleboxIsNotAllOfASource(t *testing.T) {
	r := &record.Record{}
	r.Manifest.Topology.Endpoints = []record.Endpoint{{Name: "A"}, {Name: "B"}, {Name: "sfm"}}
	for _, f := range [][3]string{{"A/video", "A", "sfm"}, {"A/video>B", "sfm", "B"}, {"B/video>A", "sfm", "A"}} {
		r.Manifest.Topology.Flows = append(r.Manifest.Topology.Flows, record.Flow{Name: f[0], From: f[1], To: f[2], Kind: "video"})
		r.Series = append(r.Series, &record.Series{Entity: f[0], Metric: record.SendRate})
	}
	for _, e := range []string{"A-sfm", "sfm-A", "sfm-B", "A"} {
		r.Series = append(r.Series, &record.Series{Entity: e, Metric: record.RTT})
	}
	got := viewNamed(t, viewsOf(r), "Endpoints and legs", "A").Entities
	slices.Sort(got)
	if want := []string{"A", "A-sfm", "A/video", "B/video>A", "sfm-A"}; !slices.Equal(got, want) {
		t.Errorf("the leg of A has %v, want %v", got, want)
	}
}

func TestTrafficIsOneView(t *testing.T) {
	r := synthetic(1)
	top := &r.Manifest.Topology
	top.Endpoints = append(top.Endpoints, record.Endpoint{Name: "web"}, record.Endpoint{Name: "web sink"})
	top.Flows = append(top.Flows, record.Flow{Name: "web", From: "web", To: "web sink", Kind: "tcp"})
	r.Series = append(r.Series, &record.Series{Entity: "web", Metric: record.SendRate})
	n := 0
	for _, v := range viewsOf(r) {
		if slices.Contains(v.Entities, "web") {
			n++
		}
	}
	if n != 1 {
		t.Errorf("traffic is in %d views, want 1", n)
	}
}

func TestTimelineShowsWhatHappened(t *testing.T) {
	r := synthetic(1)
	r.Events = append(
		r.Events,
		record.Event{At: 7_500_000_000, Entity: "S1/video", Kind: record.Freeze, Delay: 500_000_000},
		record.Event{At: 20_000_000_000, Entity: "S1/video", Kind: record.BreakerTripped},
		record.Event{At: 30_000_000_000, Entity: "S1/video", Kind: record.BreakerRestarted},
		record.Event{At: 90_000_000_000, Entity: "S1/video", Kind: record.BreakerReduced},
	)
	p := newDrawing(r).timeline()
	for _, c := range []struct {
		what string
		want [][2]float64
	}{
		{"frozen", [][2]float64{{7, 7.5}}},
		{"held by its breaker", [][2]float64{{20, 30}, {90, 100}}},
	} {
		i := slices.IndexFunc(p.lines, func(l line) bool { return l.what == c.what })
		if i < 0 {
			t.Errorf("nothing is %s", c.what)
			continue
		}
		var got [][2]float64
		for k := 0; k+2 < len(p.lines[i].data)+1; k += 3 {
			got = append(got, [2]float64{p.lines[i].data[k][0], p.lines[i].data[k+1][0]})
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s at %v, want %v", c.what, got, c.want)
		}
	}
}

// What comes after all makes up for losses, of earlier bins too, and never for more than there were.
func TestLessIsWhatRemains(t *testing.T) {
	series := func(v ...float64) *record.Series { return &record.Series{Values: v, Step: bin} }
	for _, c := range []struct{ lost, restored, want []float64 }{
		{[]float64{3, 0, 0}, []float64{1, 1, 0}, []float64{1, 0, 0}},
		{[]float64{2, 4, 0}, []float64{0, 0, 5}, []float64{1, 0, 0}},
		{[]float64{1, 0, 0}, []float64{0, 0, 9}, []float64{0, 0, 0}},
	} {
		if got := less(series(c.lost...), series(c.restored...)).Values; !slices.Equal(got, c.want) {
			t.Errorf("of %v with %v restored %v remain, want %v", c.lost, c.restored, got, c.want)
		}
	}
}

func TestAllowedIntervalIsTheShareUsedUp(t *testing.T) {
	r := &record.Record{}
	add := func(entity, metric string, v float64) {
		r.Series = append(r.Series, &record.Series{Entity: entity, Metric: metric, Step: bin, Values: []float64{v, v, v, v, v}})
	}
	// In each bin of 200 ms 2 packets of 100 octets, which are 8 kbit/s; 4 kbit/s are allowed, in both sessions together.
	add("S1", record.RTCPRate, 8000)
	add("S1", record.RTCPPackets, 2)
	add("S1", record.RTCPShare, 4000)
	add("S1-R1", record.Members, 2)
	add("S1-R2", record.Members, 2)
	add("S1-x-R1", record.Members, 2) // of S1-x
	for _, name := range []string{"S1", "S1-x", "R1", "R2"} {
		r.Manifest.Topology.Endpoints = append(r.Manifest.Topology.Endpoints, record.Endpoint{Name: name})
	}
	if got := newDrawing(r).allowedInterval("S1"); got != 400 {
		t.Errorf("%v ms between packets are allowed, want 400", got)
	}
}

// A conference's page has some of its streams, those of the senders first, and says so; a small call's has all.
func TestCrowdsAreCut(t *testing.T) {
	r := synthetic(2)
	if few, about := withoutCrowd(r); few != r || about != nil {
		t.Error("two calls are a crowd")
	}
	for i := range 200 {
		name := fmt.Sprintf("P%d/video>P", i)
		if i >= 180 {
			name = fmt.Sprintf("P%d/video", i)
		}
		r.Series = append(r.Series, &record.Series{Entity: name, Metric: record.SendRate, Unit: "bit/s", Step: bin, Values: []float64{1, 2}})
		r.Summary = append(r.Summary, record.Metric{Entity: name, Metric: record.SendRate, Stat: "mean", Value: 1, Unit: "bit/s"})
		r.Manifest.Topology.Flows = append(r.Manifest.Topology.Flows, record.Flow{Name: name, From: "sfm", To: "P", Kind: "video"})
	}
	few, about := withoutCrowd(r)
	if about == nil || !strings.Contains(about.Text, "there are 204 streams") {
		t.Fatalf("the remark is %v", about)
	}
	if n := len(few.Names(record.SendRate)); n != entitiesShown {
		t.Errorf("%d streams are left, want %d", n, entitiesShown)
	}
	for _, want := range []string{"S1/video", "P199/video", "P0/video>P"} {
		if few.Find(want, record.SendRate) == nil {
			t.Errorf("%s is left out", want)
		}
	}
	page := render(t, r)
	if strings.Contains(page, "<caption>P100/video&gt;P</caption>") || !strings.Contains(page, "<caption>P199/video</caption>") {
		t.Error("the summary isn't that of what is drawn")
	}
	if len(r.Series) != len(synthetic(2).Series)+200 {
		t.Error("the record has lost something")
	}
}
