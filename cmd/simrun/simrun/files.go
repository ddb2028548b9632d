package simrun

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"rtpfabric/scenarios"
	"rtpfabric/scenarios/runner"
)

// scenarioPath is a file that should hold a scenario.
type scenarioPath struct {
	path  string
	named bool // by the user, rather than found in a folder
}

// findScenarios expands folders, recursively and in order of name, into the
// scenario files in them. A file that is named twice counts once.
func findScenarios(args []string) ([]scenarioPath, error) {
	var found []scenarioPath
	var errs []error
	seen := map[string]bool{}
	add := func(p scenarioPath) {
		key, err := filepath.Abs(p.path)
		if err != nil {
			key = p.path
		}
		if !seen[key] {
			seen[key] = true
			found = append(found, p)
		}
	}
	for _, arg := range args {
		info, err := os.Stat(arg)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			errs = append(errs, fmt.Errorf("%s: no such file or folder", arg))
		case err != nil:
			errs = append(errs, err)
		case !info.IsDir():
			add(scenarioPath{arg, true})
		default:
			inside, err := scenariosIn(arg)
			if err == nil && len(inside) == 0 {
				err = fmt.Errorf("%s: no scenario file (*.yaml or *.yml) in this folder", arg)
			}
			errs = append(errs, err)
			for _, path := range inside {
				add(scenarioPath{path, false})
			}
		}
	}
	return found, errors.Join(errs...)
}

// scenariosIn returns the YAML files in a folder and the folders in it. As the
// go command does, it leaves out folders whose name is testdata or begins with
// a dot or an underscore.
func scenariosIn(folder string) ([]string, error) {
	var paths []string
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			name := d.Name()
			if path != folder && (name == "testdata" || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_")) {
				return fs.SkipDir
			}
			return nil
		}
		if ext := strings.ToLower(filepath.Ext(path)); ext == ".yaml" || ext == ".yml" {
			paths = append(paths, path)
		}
		return nil
	})
	return paths, err
}

// loadScenarios reads and checks every scenario. The error has a line for each
// thing that is wrong; the files that are right are returned all the same.
func loadScenarios(args, set, vary []string) ([]*scenarios.File, error) {
	paths, err := findScenarios(args)
	errs := []error{err}
	var files []*scenarios.File
	for _, p := range paths {
		f, err := scenarios.Load(p.path, scenarios.Options{Set: set, Vary: vary, Catalogue: runner.Catalogue{}})
		switch {
		case err == nil:
			files = append(files, f)
		case !p.named && !looksLikeScenario(p.path):
			errs = append(errs, fmt.Errorf("%s: not a scenario: it has none of network, endpoints and media; name the scenario files rather than the folder, or move this one", p.path))
		default:
			errs = append(errs, err)
		}
	}
	return files, errors.Join(errs...)
}

// looksLikeScenario tells a scenario with mistakes from another kind of file.
func looksLikeScenario(path string) bool {
	data, err := os.ReadFile(path)
	if err != nil {
		return true // the error says more
	}
	var document map[string]yaml.Node
	if yaml.Unmarshal(data, &document) != nil {
		return true
	}
	return slices.ContainsFunc([]string{"network", "endpoints", "media"}, func(key string) bool {
		_, ok := document[key]
		return ok
	})
}
