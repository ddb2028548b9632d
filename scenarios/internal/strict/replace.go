package strict

import (
	"fmt"
	"slices"
	"strconv"

	"gopkg.in/yaml.v3"
)

// Replace returns a tree in which the value at a path is another one. The
// given tree is not changed; what isn't on the path is shared. Mappings that
// are missing on the way are made. The error is of type *Error with the place
// of the value.
func Replace(root *yaml.Node, path Path, value *yaml.Node) (*yaml.Node, error) {
	return replace(root, path, 0, value)
}

func replace(n *yaml.Node, path Path, depth int, value *yaml.Node) (*yaml.Node, error) {
	if depth == len(path) {
		return value, nil
	}
	name := path[depth]
	if n == nil {
		n = &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Line: value.Line, Column: value.Column}
	}
	cp := *n
	cp.Content = slices.Clone(n.Content)
	at := -1
	switch n.Kind {
	case yaml.MappingNode:
		if i := keyIndex(n, name); i >= 0 {
			at = i + 1
		} else {
			at = len(cp.Content) + 1
			cp.Content = append(cp.Content, scalarAt(value, name), nil)
		}
	case yaml.SequenceNode:
		if i, err := strconv.Atoi(name); err == nil && i >= 0 && i < len(n.Content) {
			at = i
		}
	}
	if at < 0 {
		return nil, &Error{
			Place: placeOf(value), Path: path[:depth],
			Problem: fmt.Sprintf("%s has nothing called %q", describe(n), name), Remedy: "vary a field that the file has",
		}
	}
	child, err := replace(cp.Content[at], path, depth+1, value)
	if err != nil {
		return nil, err
	}
	cp.Content[at] = child
	return &cp, nil
}

// Remove returns a mapping without one of its fields, and that field's key and
// value, or nil if there is none. The given mapping is not changed.
func Remove(n *yaml.Node, name string) (rest, key, value *yaml.Node) {
	i := keyIndex(n, name)
	if i < 0 {
		return n, nil, nil
	}
	cp := *n
	cp.Content = slices.Concat(n.Content[:i], n.Content[i+2:])
	return &cp, n.Content[i], n.Content[i+1]
}

// PlaceOf returns where a node stands.
func PlaceOf(n *yaml.Node) Place { return placeOf(n) }

// Describe says in words what a node is.
func Describe(n *yaml.Node) string { return describe(n) }

// Flow writes a node on one line, in the form [a, b] or {a: b}.
func Flow(n *yaml.Node) string {
	switch n.Kind {
	case yaml.SequenceNode:
		s := "["
		for i, item := range n.Content {
			if i > 0 {
				s += ", "
			}
			s += Flow(item)
		}
		return s + "]"
	case yaml.MappingNode:
		s := "{"
		for i := 0; i+1 < len(n.Content); i += 2 {
			if i > 0 {
				s += ", "
			}
			s += n.Content[i].Value + ": " + Flow(n.Content[i+1])
		}
		return s + "}"
	}
	return n.Value
}
