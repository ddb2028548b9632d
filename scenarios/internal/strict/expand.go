package strict

import (
	"fmt"

	"gopkg.in/yaml.v3"
)

// expander copies a tree, replaces aliases by copies of what they refer to,
// and refuses what no scenario needs: duplicate keys, merge keys, tags, keys
// that aren't plain text.
type expander struct {
	src      *Source
	errs     []*Error
	active   map[*yaml.Node]bool // nodes being copied, to notice an alias inside its own anchor
	nodes    int
	stopped  bool
	override int // place of all nodes, if not 0
}

func (x *expander) fail(n *yaml.Node, p Path, problem, remedy string) {
	x.errs = append(x.errs, &Error{Place: x.place(n), Path: p, Problem: problem, Remedy: remedy})
}

func (x *expander) place(n *yaml.Node) Place {
	if x.override > 0 {
		return Place{Override: x.override}
	}
	return placeOf(n)
}

func (x *expander) expand(n *yaml.Node, p Path) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		target := n.Alias
		if x.active[target] {
			x.fail(n, p, fmt.Sprintf("*%s lies inside its own anchor", n.Value), "write the value out")
			return scalarAt(n, "")
		}
		cp := x.expand(target, p)
		cp.Line, cp.Column = n.Line, n.Column
		x.stamp(cp)
		return cp
	}
	cp := &yaml.Node{Kind: n.Kind, Tag: n.Tag, Style: n.Style, Value: n.Value, Line: n.Line, Column: n.Column}
	x.stamp(cp)
	if x.nodes++; !x.stopped && (x.nodes > maxNodes || len(p) > maxDepth) {
		x.stopped = true
		x.fail(n, nil, "the document is too large or nested too deeply here", fmt.Sprintf("keep it under %d values and %d levels", maxNodes, maxDepth))
	}
	if x.stopped {
		return cp
	}
	if n.Style&yaml.TaggedStyle != 0 {
		x.fail(n, p, fmt.Sprintf("the tag %s is not understood", n.Tag), "remove the tag")
		cp.Style &^= yaml.TaggedStyle
	}
	x.active[n] = true
	switch n.Kind {
	case yaml.MappingNode:
		x.mapping(n, cp, p)
	case yaml.SequenceNode:
		for i, item := range n.Content {
			cp.Content = append(cp.Content, x.expand(item, p.Child(index(i))))
		}
	}
	delete(x.active, n)
	return cp
}

func (x *expander) mapping(n, cp *yaml.Node, p Path) {
	seen := make(map[string]*yaml.Node, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		switch first := seen[key.Value]; {
		case key.Kind != yaml.ScalarNode:
			x.fail(key, p, "a field's name can't be "+describe(key), "write a plain name")
			continue
		case key.ShortTag() == "!!merge":
			x.fail(key, p, `merge keys ("<<") are not supported`, "write the fields out, or give the whole value by an alias")
			continue
		case first != nil:
			x.fail(key, p.Child(key.Value), fmt.Sprintf("this field stands twice, the first time in line %d", first.Line), "keep one")
			continue
		}
		seen[key.Value] = key
		k := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: key.Value, Line: key.Line, Column: key.Column}
		x.stamp(k)
		cp.Content = append(cp.Content, k, x.expand(value, p.Child(key.Value)))
	}
}

// stamp gives a node the place of the override it comes from: line 0 and the
// override's number as the column.
func (x *expander) stamp(n *yaml.Node) {
	if x.override > 0 {
		n.Line, n.Column = 0, x.override
	}
}

func scalarAt(n *yaml.Node, text string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text, Line: n.Line, Column: n.Column}
}
