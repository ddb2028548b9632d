package simrun

import (
	"fmt"
	"math"
	"os"
	"time"

	"github.com/spf13/cobra"

	"rtpfabric/sim/rtplog"
)

func rtpLogCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "rtplog SENT RECEIVED",
		Short: "Say what two logs of RTP packets show",
		Long: `Read a sender's log and a receiver's in the format of RFC 8868 section 3.1, of simrun
(--rtp-log) or of any other system, and print for each SSRC how much was sent and
received, what was lost, and how long it took. Rates are of payload. Loss is that
before any repair. Delays are by the clocks of both logs; where these differ, what
is beyond the least delay still holds.

A line is a packet: time in seconds since 1970 with microseconds, payload type, SSRC
in hexadecimal, sequence number, RTP timestamp, marker bit, octets of payload.`,
		Example: lines(
			"simrun run scenarios/quickstart.yaml --rtp-log",
			"simrun rtplog results/quickstart/default/rtp-logs/S1.sent.log results/quickstart/default/rtp-logs/R1.received.log",
		),
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			var logs [2][]rtplog.Entry
			for i, path := range args {
				var err error
				if logs[i], err = readRTPLog(path); err != nil {
					return badInput(err)
				}
			}
			streams := rtplog.Streams(logs[0], logs[1])
			if asJSON {
				return printStreamsJSON(cmd, streams)
			}
			printStreams(screenOf(cmd.OutOrStdout()), streams)
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print as JSON")
	return cmd
}

func readRTPLog(path string) ([]rtplog.Entry, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	list, err := rtplog.Read(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return list, nil
}

func printStreams(s *screen, streams []rtplog.Stream) {
	c := s.columns(0, "ssrc", "type", "sent", "received", "loss", "twice", "reordered", "send rate", "receive rate", "delay min", "median", "p95")
	for _, st := range streams {
		delay := func(d time.Duration) string {
			if math.IsNaN(st.Loss) {
				return ""
			}
			return quantity(float64(d)/float64(time.Millisecond), "ms")
		}
		rate := func(v float64) string {
			if math.IsNaN(v) {
				return ""
			}
			return quantity(v, "bit/s")
		}
		loss := ""
		if !math.IsNaN(st.Loss) {
			loss = quantity(st.Loss, "1")
		}
		c.row(fmt.Sprintf("%08x", st.SSRC), fmt.Sprint(st.PayloadType), fmt.Sprint(st.Sent), fmt.Sprint(st.Received), loss, fmt.Sprint(st.Duplicates),
			fmt.Sprint(st.Reordered), rate(st.SendRate), rate(st.ReceiveRate), delay(st.Least), delay(st.Median), delay(st.P95))
	}
	fmt.Fprint(s, c.String(2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12))
}

// printStreamsJSON prints the streams with units in their names; what isn't known is null.
func printStreamsJSON(cmd *cobra.Command, streams []rtplog.Stream) error {
	known := func(v float64) *float64 {
		if math.IsNaN(v) {
			return nil
		}
		return &v
	}
	list := []map[string]any{}
	for _, st := range streams {
		row := map[string]any{
			"ssrc": fmt.Sprintf("%08x", st.SSRC), "payload_type": st.PayloadType, "sent": st.Sent, "received": st.Received, "duplicates": st.Duplicates,
			"reordered": st.Reordered, "loss": known(st.Loss), "send_rate_bps": known(st.SendRate), "receive_rate_bps": known(st.ReceiveRate),
		}
		if !math.IsNaN(st.Loss) {
			row["delay_min_s"], row["delay_median_s"], row["delay_p95_s"] = st.Least.Seconds(), st.Median.Seconds(), st.P95.Seconds()
		}
		list = append(list, row)
	}
	return writeJSON(cmd.OutOrStdout(), list)
}
