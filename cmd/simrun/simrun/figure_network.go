package simrun

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"rtpfabric/scenarios"
)

// margin is left of every figure.
const margin = "   "

// networkFigure draws every link of a network between its two nodes, with the
// endpoints in the nodes and the link's schedule below.
func networkFigure(c *scenarios.Scenario) string {
	boxes := map[string][]string{}
	inner := 0
	for _, node := range c.Nodes() {
		lines := []string{node}
		for _, e := range c.Endpoints {
			if e.At == node {
				lines = append(lines, "  "+e.Name)
			}
		}
		for _, box := range c.Topology.Boxes() {
			if box.At == node {
				lines = append(lines, "  "+box.Name)
			}
		}
		for _, n := range c.Network.Nodes {
			if n.Name == node {
				lines = append(lines, "  "+n.String())
			}
		}
		for i := range c.Traffic {
			switch t := &c.Traffic[i]; node {
			case t.From:
				lines = append(lines, "  "+t.Name+" >")
			case t.To:
				lines = append(lines, "  > "+t.Name)
			}
		}
		boxes[node] = lines
		for _, line := range lines {
			inner = max(inner, textWidth(line))
		}
	}
	labels := make([][2]string, len(c.Network.Links))
	span := 0
	for i := range c.Network.Links {
		l := &c.Network.Links[i]
		forward, backward := l.Resolve()
		labels[i] = [2]string{forward.String(), backward.String()}
		span = max(span, textWidth(l.Name)+4, textWidth(labels[i][0])+8, textWidth(labels[i][1])+8)
	}
	var b strings.Builder
	for i := range c.Network.Links {
		l := &c.Network.Links[i]
		if i > 0 {
			b.WriteString("\n")
		}
		drawLink(&b, l, labels[i], boxes[l.Between[0]], boxes[l.Between[1]], inner, span)
		for _, ch := range l.Schedule {
			fmt.Fprintf(&b, "%s%*s  at %v: %s\n", margin, inner+4, "", seconds(ch.At), changeLabel(&ch))
		}
	}
	return b.String()
}

// drawLink draws two nodes and the two directions of the link between them.
// inner is the width inside a node's box, span the width between the boxes.
func drawLink(b *strings.Builder, l *scenarios.Link, labels [2]string, left, right []string, inner, span int) {
	middle := []string{
		padded("  "+l.Name, span),
		"---" + padded(" "+labels[0]+" ", span-4, '-') + ">",
		"<--" + padded(" "+labels[1]+" ", span-3, '-'),
	}
	edge := "+" + strings.Repeat("-", inner+2) + "+"
	fmt.Fprintf(b, "%s%s%s%s\n", margin, edge, strings.Repeat(" ", span), edge)
	for i := range max(len(left), len(right), len(middle)) {
		fmt.Fprintf(b, "%s| %s |%s| %s |\n", margin,
			padded(at(left, i), inner), padded(at(middle, i), span), padded(at(right, i), inner))
	}
	fmt.Fprintf(b, "%s%s%s%s\n", margin, edge, strings.Repeat(" ", span), edge)
}

// changeLabel says what an entry of a schedule changes.
func changeLabel(ch *scenarios.Change) string {
	var parts []string
	for _, to := range []struct {
		name string
		scenarios.ChangeTo
	}{{"forward", ch.Forward}, {"backward", ch.Backward}, {"both", ch.Both}} {
		var values []string
		if to.Rate != nil {
			values = append(values, to.Rate.String())
		}
		if to.Delay != nil {
			values = append(values, to.Delay.String())
		}
		if to.Loss != nil {
			values = append(values, to.Loss.String()+" loss")
		}
		if to.Up != nil {
			values = append(values, map[bool]string{true: "up", false: "down"}[*to.Up])
		}
		if to.Cost != nil {
			values = append(values, fmt.Sprintf("cost %d", *to.Cost))
		}
		if len(values) > 0 {
			parts = append(parts, to.name+" "+strings.Join(values, ", "))
		}
	}
	return strings.Join(parts, "; ")
}

func at(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return ""
}

// padded fills a text up to a width, with spaces or another character.
func padded(s string, width int, fill ...byte) string {
	with := " "
	if len(fill) > 0 {
		with = string(fill)
	}
	return s + strings.Repeat(with, max(0, width-textWidth(s)))
}

func textWidth(s string) int { return utf8.RuneCountInString(s) }
