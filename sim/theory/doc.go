// Package theory has tests that hold the network against theory that nobody
// here wrote: queueing theory, and what the documents say that specify queue
// disciplines and TCP. Parts that can be tested alone have such tests beside
// them; here are those that need a source, a link and a sink.
package theory
