package scenarios

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Reference returns the reference of the format of scenario files, in Markdown: every field with what it means, its
// notation and its default. It is made of [JSONSchema], and so of the types and their comments.
func Reference() string {
	var root schemaNode
	if err := json.Unmarshal(JSONSchema, &root); err != nil {
		panic("scenarios: " + err.Error()) // a test compares it with the types
	}
	r := reference{root: &root, at: map[string][]string{}}
	r.find("", &root, nil)
	fmt.Fprint(&r.out, referenceHead)
	r.section("A scenario", "", &root)
	for _, name := range r.order {
		def := root.Defs[name]
		r.section(r.at[name][0], name, &def)
	}
	return r.out.String()
}

const referenceHead = `# Fields of scenario files

This page is made from the types that the program reads files into (` + "`simrun schema --reference`" + `), as is the JSON Schema
for editors (` + "`simrun schema`" + `); ` + "`simrun explain FIELD`" + ` prints an entry. [scenarios.md](scenarios.md) says how files are written: units,
ranges such as ` + "`S<1..16>`" + `, the matrix, expectations.

In paths NAME is a name that a file chooses, and N a place in a list. Durations have a unit (ns, us, ms, s, m, h), and so have rates (bps, kbps,
Mbps, Gbps; 1 Mbps is 1,000,000 bit/s), sizes (B, kB, MB; 1 kB is 1,000 octets) and shares (%). A field without a default may be left out, unless it is
**required**.

`

// reference is the page while it is written.
type reference struct {
	out   strings.Builder
	root  *schemaNode
	order []string            // of the structures, as they are met
	at    map[string][]string // the paths at which each stands
}

// find notes where structures stand, down from a node.
func (r *reference) find(path string, n *schemaNode, inside []string) {
	for _, group := range [][]schemaNode{n.AllOf, n.AnyOf} {
		for i := range group {
			r.find(path, &group[i], inside)
		}
	}
	if name, ok := strings.CutPrefix(n.Ref, "#/$defs/"); ok {
		if slices.Contains(r.at[name], path) || slices.Contains(inside, name) {
			return
		}
		if r.at[name] == nil {
			r.order = append(r.order, name)
		}
		r.at[name] = append(r.at[name], path)
		def := r.root.Defs[name]
		r.find(path, &def, append(slices.Clone(inside), name))
		return
	}
	if n.Items != nil {
		r.find(join(path, anyNumber), n.Items, inside)
	}
	if more, ok := n.additional(); ok {
		r.find(join(path, anyName), more, inside)
	}
	for _, name := range n.fields() {
		p := n.Properties[name]
		r.find(join(path, name), &p, inside)
	}
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// fields returns the names in a mapping, those that are required first.
func (n *schemaNode) fields() []string {
	var names []string
	for name := range n.Properties {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		if x, y := slices.Contains(n.Required, a), slices.Contains(n.Required, b); x != y {
			if x {
				return -1
			}
			return 1
		}
		return strings.Compare(a, b)
	})
	return names
}

// additional is what stands under names that a file chooses.
func (n *schemaNode) additional() (*schemaNode, bool) {
	var more schemaNode
	if len(n.AdditionalProperties) == 0 || json.Unmarshal(n.AdditionalProperties, &more) != nil {
		return nil, false
	}
	return &more, true
}

// manyPlaces is how many paths of a structure are listed.
const manyPlaces = 6

// section writes the fields of a structure.
func (r *reference) section(title, name string, n *schemaNode) {
	if name == "" {
		fmt.Fprintf(&r.out, "## %s\n\n", title)
	} else {
		fmt.Fprintf(&r.out, "## %s\n\n<a id=\"%s\"></a>", title, strings.ToLower(name))
		switch places := r.at[name]; {
		case len(places) > manyPlaces:
			fmt.Fprintf(&r.out, "Also at %s and %d more places.", code(places[1:manyPlaces]), len(places)-manyPlaces)
		case len(places) > 1:
			fmt.Fprintf(&r.out, "Also at %s.", code(places[1:]))
		}
		fmt.Fprint(&r.out, "\n\n")
	}
	fmt.Fprint(&r.out, "| field | meaning | value | default |\n|---|---|---|---|\n")
	for _, field := range n.fields() {
		p := n.Properties[field]
		required := ""
		if slices.Contains(n.Required, field) {
			required = " **required**"
		}
		fmt.Fprintf(&r.out, "| `%s`%s | %s | %s | %s |\n", field, required, cell(p.Description), r.value(&p), r.standard(&p))
	}
	fmt.Fprintln(&r.out)
}

// value says what a field can be.
func (r *reference) value(n *schemaNode) string {
	var parts []string
	if words := valuesOf(n); len(words) > 0 {
		parts = append(parts, code(words))
	} else if n.Title != "" && n.Title != "one of some words" {
		parts = append(parts, n.Title)
	}
	for _, name := range r.within(n) {
		parts = append(parts, fmt.Sprintf("[%s](#%s)", r.at[name][0], strings.ToLower(name)))
	}
	if len(n.Examples) > 0 && !strings.Contains(n.Title, "such as") {
		parts = append(parts, "such as `"+cell(n.Examples[0])+"`")
	}
	return strings.Join(parts, ", ")
}

// within returns the structures that stand in a value.
func (r *reference) within(n *schemaNode) (names []string) {
	add := func(list []string) {
		for _, name := range list {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	if name, ok := strings.CutPrefix(n.Ref, "#/$defs/"); ok {
		add([]string{name})
	}
	for _, group := range [][]schemaNode{n.AllOf, n.AnyOf} {
		for i := range group {
			add(r.within(&group[i]))
		}
	}
	if n.Items != nil {
		add(r.within(n.Items))
	}
	if more, ok := n.additional(); ok {
		add(r.within(more))
	}
	return names
}

// standard is the default as it is written in a file.
func (*reference) standard(n *schemaNode) string {
	if len(n.Default) == 0 {
		return ""
	}
	if text := strings.Trim(string(n.Default), `"`); text != "" {
		return "`" + cell(text) + "`"
	}
	return ""
}

// code lists words as code.
func code(words []string) string { return "`" + strings.Join(words, "`, `") + "`" }

// cell makes a text fit into a cell of a table.
func cell(text string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ", "<", "&lt;").Replace(text)
}
