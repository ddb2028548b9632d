package plots

import (
	"slices"
	"strings"

	"rtpfabric/sim/record"
)

// view is a part of a run that a page can show alone: a stream, or an endpoint with all that goes to it and comes from it,
// which is a leg of what stands in the middle, or a link.
type view struct {
	Kind     string   `json:"kind"` // of the list that it is in
	Name     string   `json:"name"`
	Entities []string `json:"entities"` // whose lines, events and figures belong to it
}

// streamViews is the kind of views of streams.
const streamViews = "Streams"

// viewsOf returns what can be chosen, in the order of the record.
func viewsOf(r *record.Record) []view {
	entities := entitiesOf(r)
	recorded := map[string]bool{}
	for _, e := range entities {
		recorded[e] = true
	}
	top := &r.Manifest.Topology
	var list []view
	places := map[string]int{} // in the list, by name
	add := func(kind, name string, near []string) {
		if i, taken := places[name]; taken && list[i].Kind != kind {
			name += " (" + strings.ToLower(kind) + ")"
		}
		i, known := places[name]
		if !known { // a stream to several is there several times
			i = len(list)
			places[name] = i
			list = append(list, view{Kind: kind, Name: name})
		}
		v := &list[i]
		for _, e := range near {
			if recorded[e] && !slices.Contains(v.Entities, e) {
				v.Entities = append(v.Entities, e)
			}
		}
	}
	for _, f := range top.Flows {
		near := append([]string{f.Name, f.From, f.To, f.From + "-" + f.To, f.To + "-" + f.From}, f.Links...)
		if _, kind, ok := strings.Cut(f.Name, "/"); ok {
			kind, _, _ = strings.Cut(kind, ">")
			for _, source := range []string{f.From + "/" + kind, f.To + "/" + kind} { // of reports
				if !isFlow(top, source) {
					near = append(near, source)
				}
			}
		}
		add(streamViews, f.Name, near)
	}
	if len(top.Endpoints) > 1 {
		names := make([]string, 0, len(top.Endpoints))
		for _, e := range top.Endpoints {
			names = append(names, e.Name)
		}
		for _, end := range names {
			if isTraffic(top, end) {
				continue
			}
			near := []string{end}
			for _, f := range top.Flows {
				if f.From == end || f.To == end {
					near = append(near, f.Name)
					near = append(near, f.Links...)
				}
			}
			for _, e := range entities {
				if strings.HasPrefix(e, end+"/") && !isFlow(top, e) || isEndOf(e, end, names) {
					near = append(near, e)
				}
			}
			add("Endpoints and legs", end, near)
		}
	}
	for _, link := range top.Links {
		add("Links", link.Name, []string{link.Name, link.Name + "/forward", link.Name + "/backward"})
	}
	return slices.DeleteFunc(list, func(v view) bool { return len(v.Entities) == 0 })
}

// withoutUndrawn leaves out the streams of which nothing is drawn.
func withoutUndrawn(views []view, r *record.Record) []view {
	drawn := map[string]bool{}
	for _, s := range r.Series {
		drawn[s.Entity] = true
	}
	return slices.DeleteFunc(views, func(v view) bool { return v.Kind == streamViews && !drawn[v.Name] })
}

// viewKind is a list of views of a kind.
type viewKind struct {
	Kind  string
	Names []string
}

func kindsOf(views []view) []viewKind {
	var kinds []viewKind
	for _, v := range views {
		i := slices.IndexFunc(kinds, func(k viewKind) bool { return k.Kind == v.Kind })
		if i < 0 {
			i = len(kinds)
			kinds = append(kinds, viewKind{Kind: v.Kind})
		}
		kinds[i].Names = append(kinds[i].Names, v.Name)
	}
	return kinds
}

// isFlow reports whether an entity is a stream, or traffic.
func isFlow(t *record.Topology, entity string) bool {
	return slices.ContainsFunc(t.Flows, func(f record.Flow) bool { return f.Name == entity })
}

// isTraffic reports whether an endpoint is a source or a sink of traffic, which is a stream by itself.
func isTraffic(t *record.Topology, end string) bool {
	return slices.ContainsFunc(t.Flows, func(f record.Flow) bool {
		return (f.From == end || f.To == end) && f.Kind != "video" && f.Kind != "audio"
	})
}

// isEndOf reports whether an entity is a side of a connection between an endpoint and another one.
func isEndOf(entity, end string, names []string) bool {
	if other, ok := strings.CutPrefix(entity, end+"-"); ok && slices.Contains(names, other) {
		return true
	}
	other, ok := strings.CutSuffix(entity, "-"+end)
	return ok && slices.Contains(names, other)
}

// entitiesOf returns all that something is recorded of.
func entitiesOf(r *record.Record) []string {
	var list []string
	seen := map[string]bool{}
	note := func(entity string) {
		if entity != "" && !seen[entity] {
			seen[entity] = true
			list = append(list, entity)
		}
	}
	for _, s := range r.Series {
		note(s.Entity)
	}
	for _, d := range r.Distributions {
		note(d.Entity)
	}
	for i := range r.Events {
		note(r.Events[i].Entity)
	}
	for i := range r.Summary {
		note(r.Summary[i].Entity)
	}
	return list
}
