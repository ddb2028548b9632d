package runner

import (
	"os"
	"path/filepath"
	"slices"

	"rtpfabric/scenarios"
	"rtpfabric/scenarios/runner/external"
)

// Files returns the files besides its own that a scenario names and a run reads, sorted: traces, and of controllers
// that are programs the program and those of its arguments that are files. What a program reads besides isn't known.
func Files(s *scenarios.Scenario) []string {
	var files []string
	add := func(name string) {
		if name == "" {
			return
		}
		if !filepath.IsAbs(name) {
			name = filepath.Join(s.Dir, name)
		}
		if info, err := os.Stat(name); err == nil && info.Mode().IsRegular() {
			files = append(files, name)
		}
	}
	for i := range s.Network.Links {
		l := &s.Network.Links[i]
		for _, c := range []*scenarios.Capacity{l.Forward.Capacity, l.Backward.Capacity} {
			if c != nil {
				add(c.File)
			}
		}
	}
	for i := range s.Media {
		if e := s.Media[i].Encoder; e != nil {
			add(e.File)
		}
	}
	for i := range s.Endpoints {
		e := s.CongestionOf(s.Endpoints[i].Name).External
		if e == nil || len(e.Exec) == 0 {
			continue
		}
		if program, err := external.Find(s.Dir, e.Exec[0]); err == nil {
			files = append(files, program)
		}
		for _, argument := range e.Exec[1:] {
			add(argument)
		}
	}
	slices.Sort(files)
	return slices.Compact(files)
}
