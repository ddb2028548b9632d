package simrun

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"rtpfabric/scenarios"
)

// templates are scenarios to begin with.
//
//go:embed templates/*.yaml
var templates embed.FS

func newCommand() *cobra.Command {
	var template string
	var schema bool
	cmd := &cobra.Command{
		Use:   "new FILE",
		Short: "Begin a scenario with a commented template",
		Long: `Write a scenario that runs as it is, with comments on what to change. FILE mustn't
be there yet; - prints it.

Templates:
` + listTemplates(),
		Example: lines(
			"simrun new my.yaml",
			"simrun new my.yaml --template conference --schema",
			"simrun run my.yaml",
		),
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			text, err := templateText(template)
			if err != nil {
				return badInput(err)
			}
			if args[0] == "-" {
				_, err := fmt.Fprint(cmd.OutOrStdout(), text)
				return err
			}
			if schema {
				text = schemaLine + text
			}
			if err := begin(args[0], text, schema); err != nil {
				return badInput(err)
			}
			fmt.Fprintf(cmd.OutOrStdout(), "wrote %s; run it by\n  simrun run %s\n", args[0], args[0])
			return nil
		},
	}
	cmd.Flags().StringVarP(&template, "template", "t", "call", "what to begin with")
	cmd.Flags().BoolVar(&schema, "schema", false, "write "+schemaName+" beside it, by which editors complete and check fields")
	cobra.CheckErr(cmd.RegisterFlagCompletionFunc("template", cobra.FixedCompletions(templateNames(), cobra.ShellCompDirectiveNoFileComp)))
	return cmd
}

const (
	schemaName = "scenario.schema.json"
	schemaLine = "# yaml-language-server: $schema=" + schemaName + "\n"
)

// begin writes a new scenario, and the schema unless there is one. Neither is there if one can't be written.
func begin(path, text string, schema bool) error {
	if ext := filepath.Ext(path); ext != ".yaml" && ext != ".yml" {
		return fmt.Errorf("%s: scenario files end in .yaml or .yml", path)
	}
	switch err := writeNew(path, text); {
	case errors.Is(err, fs.ErrExist):
		return fmt.Errorf("%s is there already; choose another name", path)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s: there is no folder %s", path, filepath.Dir(path))
	case err != nil:
		return err
	}
	if !schema {
		return nil
	}
	err := writeNew(filepath.Join(filepath.Dir(path), schemaName), string(scenarios.JSONSchema))
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}

// writeNew writes a file that isn't there yet.
func writeNew(path, text string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}

func templateNames() (names []string) {
	files, err := templates.ReadDir("templates")
	cobra.CheckErr(err)
	for _, f := range files {
		names = append(names, strings.TrimSuffix(f.Name(), ".yaml"))
	}
	return names
}

func templateText(name string) (string, error) {
	b, err := templates.ReadFile("templates/" + name + ".yaml")
	if err != nil {
		return "", fmt.Errorf("there is no template %q: write one of %s", name, strings.Join(templateNames(), ", "))
	}
	return string(b), nil
}

// listTemplates says what each template is, by its first line.
func listTemplates() string {
	var b strings.Builder
	for _, name := range templateNames() {
		text, err := templateText(name)
		cobra.CheckErr(err)
		first, _, _ := strings.Cut(strings.TrimPrefix(text, "# "), "\n")
		fmt.Fprintf(&b, "  %-11s %s\n", name, strings.TrimRight(first, ":."))
	}
	return strings.TrimRight(b.String(), "\n")
}
