package strict

import "strings"

// Places says where in the document each field stands.
type Places struct {
	at map[string]found
}

type found struct{ key, value Place }

func (p *Places) note(path Path, key, value Place) {
	p.at[strings.Join(path, "\x00")] = found{key, value}
}

// Has reports whether the document has the field.
func (p *Places) Has(path Path) bool {
	_, ok := p.at[strings.Join(path, "\x00")]
	return ok
}

// Value returns where the value of a field stands; if the field is absent,
// where the innermost field around it stands.
func (p *Places) Value(path Path) Place {
	for n := len(path); n > 0; n-- {
		if f, ok := p.at[strings.Join(path[:n], "\x00")]; ok {
			if n < len(path) {
				return f.key
			}
			return f.value
		}
	}
	return Place{Line: 1, Column: 1}
}

// Key returns where the name of a field stands, as Value does for its value.
func (p *Places) Key(path Path) Place {
	if f, ok := p.at[strings.Join(path, "\x00")]; ok {
		return f.key
	}
	return p.Value(path)
}
