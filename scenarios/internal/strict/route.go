package strict

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// Route reads a dotted path such as media.0.encoder.max and checks it against
// a struct type and a document: fields must exist in the type, indexes and
// names of named mappings in the document. Names may contain dots. The error
// is of type *Error without a place and a path.
func Route(root *yaml.Node, into any, dotted string) (Path, error) {
	r := router{words: splitPath(dotted)}
	if dotted == "" || slices.Contains(r.words, "") {
		return nil, &Error{Problem: fmt.Sprintf("%q is not a path", dotted), Remedy: "write field names with dots between them, like congestion.controller"}
	}
	if err := r.walk(root, reflect.TypeOf(into).Elem()); err != nil {
		return nil, err
	}
	return r.path, nil
}

// splitPath splits at dots, but not at those of a range such as <1..3>.
func splitPath(dotted string) []string {
	const held = "\x00"
	whole := rangeText.ReplaceAllStringFunc(dotted, func(r string) string { return strings.ReplaceAll(r, "..", held) })
	words := strings.Split(whole, ".")
	for i := range words {
		words[i] = strings.ReplaceAll(words[i], held, "..")
	}
	return words
}

type router struct {
	words []string // still to be read
	path  Path     // what has been read
}

func (r *router) fail(problem, remedy string) error {
	return &Error{Problem: problem, Remedy: remedy}
}

// here names what has been read.
func (r *router) here() string {
	if len(r.path) == 0 {
		return "the scenario"
	}
	return r.path.String()
}

func (r *router) insideValue() error {
	return r.fail(r.here()+" is a single value, so nothing lies inside it", "end the path there")
}

func (r *router) step(node *yaml.Node, words int) *yaml.Node {
	name := strings.Join(r.words[:words], ".")
	r.words = r.words[words:]
	r.path = r.path.Child(name)
	return childOf(node, name)
}

// walk reads the fields of a struct.
func (r *router) walk(node *yaml.Node, t reflect.Type) error {
	for len(r.words) > 0 {
		t = valueType(t)
		if isScalar(t) {
			return r.insideValue()
		}
		if t.Kind() == reflect.Slice {
			item := r.item(node)
			if item == nil {
				return r.noItem(node)
			}
			node = item
			t = t.Elem()
			continue
		}
		s := structureOf(t)
		if s.whole != nil {
			return r.insideValue()
		}
		at, ok := s.byName[r.words[0]]
		if ok && s.fields[at].apart {
			return r.fail(fmt.Sprintf("%q can't be varied or set", r.words[0]), "name a field of the scenario, like congestion.controller")
		}
		if !ok {
			return r.fail(fmt.Sprintf("there is no field %q in %s", r.words[0], r.here()), Instead(r.words[0], s.names, "the fields there"))
		}
		f := &s.fields[at]
		if f.fields != nil && len(r.words) > 1 {
			f = f.fields
		}
		node, t = r.step(node, 1), f.typ
		if f.named && len(r.words) > 0 {
			if err := r.name(&node, &t); err != nil {
				return err
			}
		}
	}
	return nil
}

// item steps into a list; nil if there is no such item.
func (r *router) item(node *yaml.Node) *yaml.Node {
	i, err := strconv.Atoi(r.words[0])
	if err != nil || index(i) != r.words[0] || node == nil || node.Kind != yaml.SequenceNode || i < 0 || i >= len(node.Content) {
		return nil
	}
	return r.step(node, 1)
}

func (r *router) noItem(list *yaml.Node) error {
	remedy := "the file has no such list"
	if list != nil && list.Kind == yaml.SequenceNode {
		switch n := len(list.Content); n {
		case 0:
			remedy = "the list is empty"
		case 1:
			remedy = "its only item is 0"
		default:
			remedy = fmt.Sprintf("its items are 0 to %d", n-1)
		}
	}
	return r.fail(fmt.Sprintf("there is no item %q in %s", r.words[0], r.here()), remedy)
}

// name steps into a named mapping, by the longest name that exists.
func (r *router) name(node **yaml.Node, t *reflect.Type) error {
	elem := (*t).Elem()
	for n := len(r.words); n > 0; n-- {
		if childOf(*node, strings.Join(r.words[:n], ".")) != nil {
			*node, *t = r.step(*node, n), elem
			return nil
		}
	}
	if structureOf(elem).whole != nil { // a single value may be added
		*node, *t = r.step(*node, len(r.words)), elem
		return nil
	}
	var names []string
	if *node != nil && (*node).Kind == yaml.MappingNode {
		for i := 0; i < len((*node).Content); i += 2 {
			names = append(names, (*node).Content[i].Value)
		}
	}
	return r.fail(fmt.Sprintf("there is no %q in %s", r.words[0], r.here()), Instead(r.words[0], names, "the names there"))
}

func childOf(n *yaml.Node, name string) *yaml.Node {
	if n == nil {
		return nil
	}
	switch n.Kind {
	case yaml.MappingNode:
		if i := keyIndex(n, name); i >= 0 {
			return n.Content[i+1]
		}
	case yaml.SequenceNode:
		if i, err := strconv.Atoi(name); err == nil && i >= 0 && i < len(n.Content) {
			return n.Content[i]
		}
	}
	return nil
}

func keyIndex(n *yaml.Node, name string) int {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			return i
		}
	}
	return -1
}
