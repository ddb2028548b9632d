package plots

import (
	"cmp"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"maps"
	"slices"
	"strings"

	"rtpfabric/sim/record"
)

// eventsShown bounds the list of events on a page; events.jsonl has them all.
const eventsShown = 400

// runPage is what templates/page.html shows.
type runPage struct {
	record.Manifest
	Style      template.CSS
	Echarts    template.JS
	Script     template.JS
	ViewScript template.JS
	Notice     string
	Verdict    verdictBanner
	Remarks    []remark
	Sketch     *sketch
	Ladder     *ladderDrawing // nil if nobody has signalled
	Parts      []chartPart
	ViewKinds  []viewKind
	Views      template.JS // all of them, as JSON
	Summary    []summaryGroup
	Verdicts   []record.Verdict
	Breakers   []record.Event // what circuit breakers did, and why
	Events     []record.Event
	EventsAll  int
}

// chartPart is a few charts about one matter.
type chartPart struct {
	Title  string
	Charts []chart
}

// remark is a plain note below the verdict.
type remark struct {
	Level, Head, Text string // level: warning or note
}

// Page writes one self-contained HTML page about a run. It loads nothing from
// anywhere, so that it opens from a file, offline. Errors are those of w and
// of a record that can't be drawn.
func Page(w io.Writer, r *record.Record) error {
	few, crowd := withoutCrowd(r)
	d := newDrawing(few)
	d.whole = r
	page := runPage{
		Manifest: r.Manifest,
		Style:    template.CSS(styles), Echarts: template.JS(echartsScript), Script: template.JS(pageScript), ViewScript: template.JS(viewScript), Notice: echartsNotice,
		Verdict: bannerOf(r.Manifest.Status, r.Verdicts), Remarks: remarks(&r.Manifest),
		Sketch:  newSketch(r.Manifest.Topology, d.colors),
		Summary: summaryGroups(few.Summary), Verdicts: r.Verdicts,
		Events: r.Events[:min(len(r.Events), eventsShown)], EventsAll: len(r.Events),
	}
	for _, e := range r.Events {
		if strings.HasPrefix(e.Kind, "breaker-") && len(page.Breakers) < eventsShown {
			page.Breakers = append(page.Breakers, e)
		}
	}
	if crowd != nil {
		page.Remarks = append(page.Remarks, *crowd)
	}
	if l := newLadder(r); l != nil {
		page.Ladder = l.drawing()
	}
	for _, part := range d.parts() {
		drawn := chartPart{Title: part.title}
		for _, p := range part.panels {
			c, err := p.chart()
			if err != nil {
				return fmt.Errorf("page of run %s: %w", r.Manifest.Run, err)
			}
			drawn.Charts = append(drawn.Charts, c)
		}
		page.Parts = append(page.Parts, drawn)
	}
	views := viewsOf(few)
	if crowd != nil {
		views = withoutUndrawn(views, few)
	}
	page.ViewKinds = kindsOf(views)
	list, err := json.Marshal(views)
	if err != nil {
		return fmt.Errorf("page of run %s: %w", r.Manifest.Run, err)
	}
	page.Views = template.JS(list)
	if err := templates.ExecuteTemplate(w, "page.html", page); err != nil {
		return fmt.Errorf("page of run %s: %w", r.Manifest.Run, err)
	}
	return nil
}

// remarks are what a reader must know before trusting the numbers.
func remarks(m *record.Manifest) []remark {
	var all []remark
	if m.Status == record.Incomplete {
		all = append(all, remark{"warning", "Incomplete", fmt.Sprintf(
			"The run was interrupted at %s s of %s s. Everything on this page reaches until then.",
			decimal(m.Reached.Seconds()), decimal(m.Duration.Seconds()))})
	}
	all = append(all, hosted(m.Topology.Endpoints)...)
	switch m.Protection {
	case "none":
		all = append(all, remark{"warning", "Unprotected", "Packets went in the clear (protection: none). " +
			"This is a debugging aid: packets are smaller than SRTP makes them, and no endpoint of WebRTC would accept them."})
	case "size-only":
		all = append(all, remark{"note", "Not encrypted", "Packets had the sizes that SRTP gives them, but nothing was encrypted " +
			"(protection: size-only). Times are the same as with full protection."})
	}
	return all
}

// hosted says which endpoints are somebody else's stack, and what that means for who runs it again.
func hosted(ends []record.Endpoint) []remark {
	type kind struct{ profile, stack string }
	names := map[kind][]string{}
	var all []remark
	for _, e := range ends {
		if len(e.Parts) > 0 {
			all = append(all, remark{
				"note", fmt.Sprintf("%s: with pion's %s", e.Name, strings.Join(e.Parts, ", ")),
				"Parts of somebody else's software, unmodified and in virtual time, in the sessions of an endpoint of ours.",
			})
		}
		if e.Stack != "" {
			k := kind{e.Profile, e.Stack}
			names[k] = append(names[k], e.Name)
		}
	}
	for _, k := range slices.SortedFunc(maps.Keys(names), func(a, b kind) int {
		return cmp.Or(cmp.Compare(a.stack, b.stack), cmp.Compare(a.profile, b.profile))
	}) {
		text := "Somebody else's software in virtual time, with as little changed around it as makes the same run the same each time on one kind of machine (deterministic)."
		if k.profile == "faithful" {
			text = "Somebody else's software in virtual time, with nothing changed around it (faithful): another run gives other packets, and the same only on average."
		}
		all = append(all, remark{"note", fmt.Sprintf("%s: %s's stack, %s profile", strings.Join(names[k], ", "), k.stack, k.profile), text})
	}
	return all
}

// HasCharts reports whether there is any chart to choose something in.
func (p runPage) HasCharts() bool {
	return slices.ContainsFunc(p.Parts, func(part chartPart) bool {
		return slices.ContainsFunc(part.Charts, func(c chart) bool { return c.Option != "" })
	})
}

// Chips are the variation's settings, except the seed, which stands by itself.
func (p runPage) Chips() []record.Setting { return withoutSeed(p.Variation) }

// SentPackets is the number of packets that entered the network.
func (p runPage) SentPackets() float64 { return float64(p.Packets) }

// Hops is the number of times that a packet crossed a link.
func (p runPage) Hops() float64 { return float64(p.PacketHops) }
