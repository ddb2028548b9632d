package strict

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// maxCopies is how many copies one range may make.
const maxCopies = 1000

// Unroll replaces what is written with a range by copies: a field named
// sta<1..3> becomes the three fields sta1, sta2 and sta3, and an item of a list
// that is or directly holds a text with a range becomes three items. In each
// copy <n>, and the range itself, is the number of the copy. The ends of a range
// are whole numbers or names of numbers.
//
// The given tree is not changed.
func Unroll(root *yaml.Node, numbers map[string]int) (*yaml.Node, []*Error) {
	u := unroller{numbers: numbers}
	out := u.node(root, nil)
	return out, u.errs
}

type unroller struct {
	numbers map[string]int
	nodes   int
	errs    []*Error
}

func (u *unroller) fail(n *yaml.Node, p Path, problem, remedy string) {
	u.errs = append(u.errs, &Error{Place: placeOf(n), Path: p, Problem: problem, Remedy: remedy})
}

var rangeText = regexp.MustCompile(`<([A-Za-z0-9_-]*)\.\.([A-Za-z0-9_-]*)>`)

func (u *unroller) node(n *yaml.Node, p Path) *yaml.Node {
	if len(n.Content) == 0 {
		return n
	}
	cp := *n
	cp.Content = nil
	if n.Kind == yaml.SequenceNode {
		for _, item := range n.Content {
			text := rangeIn(item)
			for _, copied := range u.copies(item, text, p) {
				cp.Content = append(cp.Content, u.node(copied, p.Child(index(len(cp.Content)))))
			}
		}
		return &cp
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		text := rangeText.FindString(key.Value)
		pair := &yaml.Node{Kind: yaml.SequenceNode, Content: []*yaml.Node{key, value}, Line: key.Line, Column: key.Column}
		for _, copied := range u.copies(pair, text, p) {
			k, v := copied.Content[0], copied.Content[1]
			if seen[k.Value] {
				u.fail(k, p.Child(k.Value), "this field stands twice", "keep one")
				continue
			}
			seen[k.Value] = true
			cp.Content = append(cp.Content, k, u.node(v, p.Child(k.Value)))
		}
	}
	return &cp
}

// rangeIn returns the range that an item of a list holds, or "".
func rangeIn(item *yaml.Node) string {
	if item.Kind == yaml.ScalarNode {
		return rangeText.FindString(item.Value)
	}
	for _, n := range item.Content {
		if text := rangeText.FindString(n.Value); n.Kind == yaml.ScalarNode && text != "" {
			return text
		}
	}
	return ""
}

// copies returns a node once for every number of a range; without a range, the
// node.
func (u *unroller) copies(n *yaml.Node, text string, p Path) []*yaml.Node {
	if text == "" {
		return []*yaml.Node{n}
	}
	m := rangeText.FindStringSubmatch(text)
	from, ok := u.number(n, p, m[1])
	to, ok2 := u.number(n, p, m[2])
	if !ok || !ok2 {
		return nil
	}
	if m[2] == strconv.Itoa(to) && to < from && m[1] == strconv.Itoa(from) {
		u.fail(n, p, fmt.Sprintf("%s ends before it begins", text), fmt.Sprintf("write <%d..%d>", to, from))
		return nil
	}
	if to-from >= maxCopies {
		u.fail(n, p, fmt.Sprintf("%s makes %d copies", text, to-from+1), fmt.Sprintf("keep it to %d", maxCopies))
		return nil
	}
	var list []*yaml.Node
	for i := from; i <= to && u.nodes <= maxNodes; i++ {
		list = append(list, u.substitute(n, text, strconv.Itoa(i)))
	}
	if u.nodes > maxNodes {
		u.fail(n, p, "the ranges make the document too large here", fmt.Sprintf("keep it under %d values", maxNodes))
		return nil
	}
	return list
}

// number reads an end of a range.
func (u *unroller) number(n *yaml.Node, p Path, word string) (int, bool) {
	if v, ok := u.numbers[word]; ok {
		return v, true
	}
	v, err := strconv.Atoi(word)
	if err != nil || v < 0 || v > 1e6 {
		u.fail(n, p, fmt.Sprintf("%q is no end of a range", word), `write a whole number, or a name from "let:"`)
		return 0, false
	}
	return v, true
}

func (u *unroller) substitute(n *yaml.Node, text, number string) *yaml.Node {
	u.nodes++
	cp := *n
	cp.Value = strings.ReplaceAll(strings.ReplaceAll(n.Value, text, number), "<n>", number)
	if cp.Value != n.Value && cp.Kind == yaml.ScalarNode {
		cp.Tag = "" // a number that stands alone is a number
	}
	cp.Content = make([]*yaml.Node, len(n.Content))
	for i, c := range n.Content {
		cp.Content[i] = u.substitute(c, text, number)
	}
	return &cp
}
