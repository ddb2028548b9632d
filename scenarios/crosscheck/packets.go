package crosscheck

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"

	"rtpfabric/sim/pionnet"
	"rtpfabric/sim/simtime"
)

// WritePackets writes a table of all packets, one in a line: when it was sent (in ns), from and to which
// address, its size with IP and UDP headers, and for our network and each vnet what became of it and after how
// many ns it arrived.
func (r *Result) WritePackets(to io.Writer) error {
	w := csv.NewWriter(to)
	head := []string{"packet", "sent_ns", "from", "to", "bytes", "fate", "delay_ns"}
	var versions []pionnet.Version
	for _, a := range r.Against {
		if a.Unable == "" {
			versions = append(versions, a.Vnet)
			head = append(head, fmt.Sprintf("vnet_%s_fate", a.Vnet), fmt.Sprintf("vnet_%s_delay_ns", a.Vnet))
		}
	}
	if err := w.Write(head); err != nil {
		return err
	}
	for i := range r.played.packets {
		k, o := &r.played.packets[i], &r.played.fates[i]
		row := []string{
			strconv.Itoa(i + 1), nanoseconds(k.At), k.From.String(), k.To.String(), strconv.Itoa(int(k.Size)),
			o.String(), "",
		}
		if o.arrived != simtime.Never {
			row[len(row)-1] = strconv.FormatInt(int64(o.arrived.Sub(k.At)), 10)
		}
		for _, v := range versions {
			f := &r.fates[v][i]
			switch {
			case f.Arrived != simtime.Never:
				row = append(row, "arrived", strconv.FormatInt(int64(f.Delay()), 10))
			case !f.Addressed:
				row = append(row, "no-address", "")
			default:
				row = append(row, "lost", "")
			}
		}
		if err := w.Write(row); err != nil {
			return err
		}
	}
	w.Flush()
	return w.Error()
}

func nanoseconds(t simtime.Time) string { return strconv.FormatInt(int64(t.Duration()), 10) }

// String returns what became of a packet in our network.
func (f *fate) String() string {
	switch {
	case f.arrived != simtime.Never:
		return "arrived"
	case !f.dropped:
		return "under-way"
	case f.link == "":
		return f.why.String()
	}
	return f.why.String() + " " + f.link
}
