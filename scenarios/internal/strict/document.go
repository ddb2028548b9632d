// Package strict reads a YAML document against Go types and refuses everything
// the types don't say: unknown fields, values of the wrong kind, numbers out
// of range, duplicate keys. It also writes a value back, so that what was read
// can be shown with every default filled in.
//
// The types say what they accept in their tags:
//
//	yaml:"name"            the field's name in the document; "-" isn't in it
//	yaml:"name,required"   an error if absent; example:"[A, B]" is shown as the remedy
//	yaml:"name,named"      a mapping, read in order into a slice of structs whose
//	                       field Name gets the key
//	yaml:",inline"         the struct's fields stand at this level
//	yaml:"name,scalar"     any single value, kept as text; with an empty name, the
//	                       whole struct is written as that value
//	yaml:"name,apart"      a known field that somebody else reads; skipped here
//	oneof:"a,b"            the only texts allowed
//	default:"300ms"        the value when the field is absent
//	min:"0" max:"1"        the range of a number, duration, rate, size or ratio,
//	                       in the field's own notation
//
// A pointer is nil when its field is absent.
package strict

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"gopkg.in/yaml.v3"
)

// Limits of a document. They are far above any scenario and keep a hostile
// document from using up memory.
const (
	maxBytes = 4 << 20
	maxNodes = 100_000
	maxDepth = 64
)

// Document is a parsed file without aliases: every alias has been replaced by
// what it refers to.
type Document struct {
	Source *Source
	Root   *yaml.Node // a mapping
}

// Parse reads one YAML document. name is what errors call it. Errors are of
// type [Errors].
func Parse(name string, data []byte) (*Document, error) {
	src := &Source{Name: name}
	if len(data) > maxBytes {
		return nil, src.Errors(&Error{Problem: fmt.Sprintf("the file has %d bytes", len(data)), Remedy: "a scenario has at most 4 MiB"})
	}
	root, err := parseOne(src, data)
	if err != nil {
		return nil, err
	}
	x := expander{src: src, active: map[*yaml.Node]bool{}}
	tree := x.expand(root, nil)
	if len(x.errs) > 0 {
		return nil, src.Errors(x.errs...)
	}
	return &Document{Source: src, Root: tree}, nil
}

func parseOne(src *Source, data []byte) (*yaml.Node, error) {
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc, next yaml.Node
	err := safeDecode(dec, &doc)
	if errors.Is(err, io.EOF) || err == nil && isEmpty(&doc) {
		return nil, src.Errors(&Error{Place: Place{Line: 1, Column: 1}, Problem: "the file is empty", Remedy: `a scenario begins with "title:"`})
	}
	if err != nil {
		return nil, src.Errors(syntaxError(data, err))
	}
	if root := doc.Content[0]; root.Kind != yaml.MappingNode {
		return nil, src.Errors(&Error{Place: placeOf(root), Problem: "the file holds " + describe(root), Remedy: `write fields, beginning with "title:"`})
	}
	switch err := safeDecode(dec, &next); {
	case err == nil:
		return nil, src.Errors(&Error{Place: placeOf(&next), Problem: "a second document begins here", Remedy: "keep one scenario in a file and remove the \"---\""})
	case !errors.Is(err, io.EOF):
		return nil, src.Errors(syntaxError(data, err))
	}
	return doc.Content[0], nil
}

func isEmpty(doc *yaml.Node) bool {
	return len(doc.Content) == 0 || doc.Content[0].Kind == yaml.ScalarNode && doc.Content[0].ShortTag() == "!!null"
}

// safeDecode turns a panic of the YAML library, which some malformed inputs
// provoke, into an error.
func safeDecode(dec *yaml.Decoder, n *yaml.Node) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("yaml: %v", p)
		}
	}()
	return dec.Decode(n)
}

// ParseValue reads a single value as it may stand in a document, for an
// override given outside the file. Its nodes carry the place of the override
// with that index in the source.
func ParseValue(src *Source, index int, text string) (*yaml.Node, error) {
	place := Place{Override: index + 1}
	var doc yaml.Node
	if err := safeDecode(yaml.NewDecoder(strings.NewReader(text)), &doc); err != nil || isEmpty(&doc) {
		return nil, src.Errors(&Error{Place: place, Problem: fmt.Sprintf("%q is not a value", text), Remedy: "write it as in the file, like 50ms or [A, B]"})
	}
	x := expander{src: src, active: map[*yaml.Node]bool{}, override: index + 1}
	tree := x.expand(doc.Content[0], nil)
	if len(x.errs) > 0 {
		return nil, src.Errors(x.errs...)
	}
	return tree, nil
}
