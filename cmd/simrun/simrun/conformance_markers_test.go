package simrun

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// evidence is a line of the evidence file.
type evidence struct{ id, name, pkg string }

// A marker is a comment that names requirements, separated by commas. It stands
// on a line of its own in the doc comment or the body of a test, or anywhere in
// a scenario.
var (
	markerInGo   = regexp.MustCompile(`^//\s*conformance:(.*)`)
	markerInYAML = regexp.MustCompile(`(?m)(?:^|\s)#\s*conformance:(.*)$`)
)

// evidenceIn collects the markers of a module. Each problem is a marker that
// shows nothing.
func evidenceIn(root string) (found []evidence, problems []string, err error) {
	module, err := moduleName(root)
	if err != nil {
		return nil, nil, err
	}
	err = filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() {
			if file != root && (name == "testdata" || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_")) {
				return fs.SkipDir
			}
			return nil
		}
		if filepath.Ext(name) != ".go" {
			return nil
		}
		src, rel, err := read(root, file)
		if err != nil {
			return err
		}
		shown, wrong, err := markersInGo(rel, path.Join(module, path.Dir(rel)), src)
		found, problems = append(found, shown...), append(problems, wrong...)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	files, err := scenariosIn(filepath.Join(root, "scenarios"))
	for _, file := range files {
		src, rel, err := read(root, file)
		if err != nil {
			return nil, nil, err
		}
		for _, m := range markerInYAML.FindAllSubmatch(src, -1) {
			for _, id := range idsOf(string(m[1])) {
				found = append(found, evidence{id, rel, ofScenario})
			}
		}
	}
	return found, problems, err
}

// markersInGo returns what the tests of a file of the package pkg show, and the
// markers that belong to no test.
func markersInGo(file, pkg string, src []byte) (shown []evidence, problems []string, err error) {
	if !bytes.Contains(src, []byte("conformance:")) {
		return nil, nil, nil // most files, and parsing is slow
	}
	files := token.NewFileSet()
	parsed, err := parser.ParseFile(files, file, src, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, nil, err
	}
	for _, group := range parsed.Comments {
		for _, c := range group.List {
			m := markerInGo.FindStringSubmatch(c.Text)
			if m == nil {
				continue
			}
			test := testAround(parsed, c)
			if test == "" || !strings.HasSuffix(file, "_test.go") {
				problems = append(problems, fmt.Sprintf("%v: %s: belongs to no test", files.Position(c.Pos()), c.Text))
				continue
			}
			for _, id := range idsOf(m[1]) {
				shown = append(shown, evidence{id, test, pkg})
			}
		}
	}
	return shown, problems, nil
}

// testAround returns the name of the test in whose doc comment or body a
// comment stands; "" if there is none.
func testAround(file *ast.File, c *ast.Comment) string {
	for _, decl := range file.Decls {
		f, ok := decl.(*ast.FuncDecl)
		if !ok || f.Recv != nil || !isTest(f.Name.Name) {
			continue
		}
		begin := f.Pos()
		if f.Doc != nil {
			begin = f.Doc.Pos()
		}
		if begin <= c.Pos() && c.Pos() < f.End() {
			return f.Name.Name
		}
	}
	return ""
}

// isTest tells whether go test runs a function, benchmarks aside.
func isTest(name string) bool {
	for _, kind := range []string{"Test", "Fuzz", "Example"} {
		if rest, ok := strings.CutPrefix(name, kind); ok && name != "TestMain" {
			first, _ := utf8.DecodeRuneInString(rest)
			return rest == "" || !unicode.IsLower(first)
		}
	}
	return false
}

// idsOf splits the list of a marker. A list of nothing is an id that doesn't
// exist, like any other mistake in it.
func idsOf(list string) []string {
	ids := strings.Split(list, ",")
	for i := range ids {
		ids[i] = strings.TrimSpace(ids[i])
	}
	return ids
}

// read returns a file and its path from root, with slashes.
func read(root, file string) (src []byte, rel string, err error) {
	rel, err = filepath.Rel(root, file)
	if err != nil {
		return nil, "", err
	}
	src, err = os.ReadFile(file)
	return src, filepath.ToSlash(rel), err
}

// moduleName returns the name of the module whose root is given.
func moduleName(root string) (string, error) {
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(mod)) {
		if name, ok := strings.CutPrefix(line, "module "); ok {
			return strings.TrimSpace(name), nil
		}
	}
	return "", fmt.Errorf("%s/go.mod names no module", root)
}
