package simrun

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"syscall"
	"time"

	"github.com/spf13/cobra"
)

// servePort is the default port of simrun serve.
const servePort = 8867

// serveOptions are the flags of the command serve.
type serveOptions struct {
	host string
	port int
	open bool
}

func serveCommand() *cobra.Command {
	o := &serveOptions{}
	cmd := &cobra.Command{
		Use:   "serve [FOLDER]",
		Short: "Show a folder for results in the browser, with what is running",
		Long: `Serve a folder for results, by default results, to browsers on this machine, and
to nobody else: it listens on a loopback address alone. The index is made anew each
time it is asked for, and shows how far the calls of simrun run are that write to
this folder. Nothing in the folder is changed. Ctrl-C ends it.`,
		Example: lines(
			"simrun serve",
			"simrun serve .cache/seeds --port 0",
			"simrun serve results --open",
		),
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			folder := "results"
			if len(args) > 0 {
				folder = args[0]
			}
			return serve(cmd, o, folder)
		},
		ValidArgsFunction: completeFolders,
	}
	f := cmd.Flags()
	f.StringVar(&o.host, "host", "127.0.0.1", "loopback `address` to listen on: 127.0.0.1, ::1 or localhost")
	f.IntVar(&o.port, "port", servePort, "`port` to listen on; 0 is any that is free")
	f.BoolVar(&o.open, "open", false, "show the index in the browser")
	return cmd
}

// loopback returns the address that a host stands for.
func loopback(host string) (string, error) {
	if host == "localhost" {
		return "127.0.0.1", nil
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return "", fmt.Errorf("--host %s: results are served to this machine alone: write 127.0.0.1, ::1 or localhost", host)
	}
	return host, nil
}

// serve does what the command serve is asked for, until it is interrupted.
func serve(cmd *cobra.Command, o *serveOptions, folder string) error {
	host, err := loopback(o.host)
	if err != nil {
		return badInput(err)
	}
	if o.port < 0 || o.port > 65535 {
		return badInput(fmt.Errorf("--port %d: write a number from 0 to 65535", o.port))
	}
	if info, err := os.Stat(folder); err != nil || !info.IsDir() {
		return badInput(fmt.Errorf("%s: no such folder: simrun run makes one, or name another", folder))
	}
	handler, err := newResultsHandler(folder, time.Now)
	if err != nil {
		return badInput(err)
	}
	defer handler.close()
	ctx, stop := interruptible(cmd.Context(), func() {})
	defer stop()
	listener, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(o.port)))
	if errors.Is(err, syscall.EADDRINUSE) {
		return badInput(fmt.Errorf("--port %d: somebody else listens there; write another, or 0 for any that is free", o.port))
	}
	if err != nil {
		return badInput(err)
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute}
	address := "http://" + listener.Addr().String() + "/"
	fmt.Fprintf(cmd.OutOrStdout(), "serving %s at %s until Ctrl-C\n", folder, address)
	if o.open {
		if err := browse(address); err != nil {
			fmt.Fprintf(cmd.ErrOrStderr(), "simrun: %s can't be opened: %v\n", address, err)
		}
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	select {
	case err := <-ended:
		return &exitError{ExitInternal, err}
	case <-ctx.Done():
	}
	patience, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	if server.Shutdown(patience) != nil {
		_ = server.Close() // of connections that don't end
	}
	return nil
}
