package scenarios

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Field is what there is to say about a field of scenario files.
type Field struct {
	// Path is where it stands, such as network.links.NAME.forward.rate: a NAME is chosen, and N counts a list.
	Path    string
	About   string
	Default string   // as it is written; "" if there is none
	Values  []string // that are possible; nil if there are others
	Kind    string   // its notation in a few words; "" of a structure
	Example string
	Fields  []string // in it, if it has some
}

// Fields returns the fields that a word names: by its path, in which names and numbers of a particular file may stand, or by its
// last parts wherever they stand, in alphabetical order.
func Fields(word string) []Field {
	all := everyField()
	parts := strings.Split(word, ".")
	var exact, ends []Field
	for _, f := range all {
		names := strings.Split(f.Path, ".")
		switch {
		case fits(names, parts):
			exact = append(exact, f)
		case len(names) > len(parts) && fits(names[len(names)-len(parts):], parts):
			ends = append(ends, f)
		}
	}
	if len(exact) > 0 {
		return exact
	}
	return ends
}

// fits reports whether the parts of a path are those of a field, whatever names it has.
func fits(names, parts []string) bool {
	if len(names) != len(parts) {
		return false
	}
	for i, name := range names {
		_, err := strconv.Atoi(parts[i])
		free := name == anyName && (i > 0 || len(names) > 1) || name == anyNumber && err == nil
		if name != parts[i] && !free {
			return false
		}
	}
	return true
}

// What stands in paths for names and numbers that a file chooses.
const (
	anyName   = "NAME"
	anyNumber = "N"
)

// schemaNode is the part of a JSON Schema that [JSONSchema] has.
type schemaNode struct {
	Ref                  string                `json:"$ref"`
	Defs                 map[string]schemaNode `json:"$defs"`
	Properties           map[string]schemaNode `json:"properties"`
	AdditionalProperties json.RawMessage       `json:"additionalProperties"`
	Items                *schemaNode           `json:"items"`
	AllOf, AnyOf         []schemaNode
	Enum                 []any           `json:"enum"`
	Description          string          `json:"description"`
	Title                string          `json:"title"`
	Required             []string        `json:"required"`
	Default              json.RawMessage `json:"default"`
	Examples             []string        `json:"examples"`
}

// everyField lists all fields in alphabetical order of their paths. A struct that has itself in it is followed once.
var everyField = sync.OnceValue(func() []Field {
	var root schemaNode
	if err := json.Unmarshal(JSONSchema, &root); err != nil {
		panic("scenarios: " + err.Error()) // a test compares it with the types
	}
	var list []Field
	var inside func(path string, n *schemaNode, seen []string) []string
	inside = func(path string, n *schemaNode, seen []string) (names []string) {
		for _, group := range [][]schemaNode{n.AllOf, n.AnyOf} {
			for i := range group {
				names = append(names, inside(path, &group[i], seen)...)
			}
		}
		if def, ok := strings.CutPrefix(n.Ref, "#/$defs/"); ok && !slices.Contains(seen, def) {
			d := root.Defs[def]
			return append(names, inside(path, &d, append(slices.Clone(seen), def))...)
		}
		if n.Items != nil {
			inside(path+anyNumber+".", n.Items, seen)
		}
		var more schemaNode
		if len(n.AdditionalProperties) > 0 && json.Unmarshal(n.AdditionalProperties, &more) == nil {
			inside(path+anyName+".", &more, seen)
		}
		for name := range n.Properties {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			p, ok := n.Properties[name]
			if !ok {
				continue
			}
			at := len(list)
			list = append(list, Field{Path: path + name, About: p.Description, Default: strings.Trim(string(p.Default), `"`), Values: valuesOf(&p), Kind: p.Title})
			if len(p.Examples) > 0 {
				list[at].Example = p.Examples[0]
			}
			fields := inside(path+name+".", &p, seen)
			list[at].Fields = fields
		}
		return names
	}
	inside("", &root, nil)
	slices.SortStableFunc(list, func(a, b Field) int { return strings.Compare(a.Path, b.Path) })
	return list
})

// valuesOf returns the words that are possible.
func valuesOf(n *schemaNode) (words []string) {
	for _, part := range append([]schemaNode{*n}, n.AnyOf...) {
		for _, v := range part.Enum {
			if text, ok := v.(string); ok {
				words = append(words, text)
			}
		}
	}
	return words
}
