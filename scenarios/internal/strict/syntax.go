package strict

import (
	"bytes"
	"regexp"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// maxProbe is the number of lines up to which the place of a syntax error is
// searched for; beyond it the YAML library's own line is used.
const maxProbe = 2000

var libraryLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)$`)

// syntaxError says where a document stops being YAML and why.
func syntaxError(data []byte, err error) *Error {
	text, libLine := err.Error(), 1
	if m := libraryLine.FindStringSubmatch(strings.ReplaceAll(text, "\n", " ")); m != nil {
		text = m[2]
		if n, err := strconv.Atoi(m[1]); err == nil {
			libLine = n
		}
	}
	lines := bytes.SplitAfter(data, []byte("\n"))
	bad := libLine
	if len(lines) <= maxProbe {
		bad = 1 + longestValid(lines)
	}
	line := ""
	if bad <= len(lines) {
		line = strings.TrimRight(string(lines[bad-1]), "\r\n")
	}
	indent := line[:len(line)-len(strings.TrimLeft(line, " \t"))]
	problem, remedy := explain(text, line, indent)
	return &Error{Place: Place{Line: bad, Column: len(indent) + 1}, Problem: problem, Remedy: remedy}
}

// longestValid returns how many lines of the file are still valid YAML by
// themselves. The line after them is where the error is or, if something is
// left open, where it was opened. The library's own line is often that of an
// enclosing block far above.
func longestValid(lines [][]byte) int {
	for n := len(lines) - 1; n > 0; n-- {
		if validYAML(bytes.Join(lines[:n], nil)) {
			return n
		}
	}
	return 0
}

func validYAML(data []byte) bool {
	dec := yaml.NewDecoder(bytes.NewReader(data))
	for {
		var n yaml.Node
		if err := safeDecode(dec, &n); err != nil {
			return err.Error() == "EOF"
		}
	}
}

var explanations = []struct{ library, problem, remedy string }{
	{"mapping values are not allowed", `a ":" stands where no field can begin`, `put a text that contains ": " in quotes, or mend the indentation`},
	{"did not find expected ',' or ']'", `a list is not closed`, `write its values as [a, b]`},
	{"did not find expected ',' or '}'", `a mapping is not closed`, `write its fields as {a: 1, b: 2}`},
	{"did not find expected key", `this line doesn't fit the lines above`, `mend the indentation`},
	{"did not find expected '-' indicator", `this line doesn't fit the list above`, `begin it with "- " at the list's indentation, or mend the indentation`},
	{"found unexpected end of stream", `a quote is not closed`, `add the closing quote`},
	{"could not find expected ':'", `this line is not a field`, `write "name: value"`},
	{"cannot start any token", `a value can't begin like this`, `put it in quotes`},
	{"found unknown escape character", `unknown escape in double quotes`, `write \\ for a backslash, or use single quotes`},
	{"invalid leading UTF-8 octet", `the text is not UTF-8`, `save the file as UTF-8`},
	{"incomplete UTF-8", `the text is not UTF-8`, `save the file as UTF-8`},
	{"invalid trailing UTF-8 octet", `the text is not UTF-8`, `save the file as UTF-8`},
	{"control characters are not allowed", `the file contains control characters`, `save it as plain text`},
}

func explain(text, line, indent string) (problem, remedy string) {
	if strings.Contains(indent, "\t") {
		return "the line is indented with a tab", "indent with spaces"
	}
	if name, ok := strings.CutPrefix(text, "unknown anchor '"); ok {
		name, _, _ = strings.Cut(name, "'")
		return "*" + name + " refers to nothing", "define it before, as &" + name
	}
	for _, e := range explanations {
		if strings.Contains(text, e.library) {
			return e.problem, e.remedy
		}
	}
	if strings.Contains(line, "\t") {
		return "this line is not valid YAML (" + text + ")", "replace the tab by spaces"
	}
	return "this is not valid YAML (" + text + ")", "compare with scenarios/quickstart.yaml"
}
