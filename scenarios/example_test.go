package scenarios_test

import (
	"fmt"

	"rtpfabric/scenarios"
)

const call = `title: A call
duration: 10s
network: {links: {bottleneck: {between: [A, B], forward: {rate: 1Mbps}}}}
endpoints: {S1: {at: A}, R1: {at: B}}
topology: {peers: [S1, R1]}
media: [{from: S1, kind: video}]
matrix:
  network.links.bottleneck.delay: [50ms, 100ms]
`

func ExampleParse() {
	file, err := scenarios.Parse("call.yaml", []byte(call), scenarios.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, run := range file.Runs {
		fmt.Println(run.Name, run.Scenario.Media[0].FlowName(), run.Scenario.SessionBandwidth(run.Scenario.Sessions(run.Scenario.Topology.Peers)[0]))
	}
	// Output:
	// delay=50ms S1/video 1.5Mbps
	// delay=100ms S1/video 1.5Mbps
}

func ExampleParse_error() {
	_, err := scenarios.Parse("call.yaml", []byte(call), scenarios.Options{Set: []string{"media.0.encodr.max=2Mbps"}})
	fmt.Println(err)
	_, err = scenarios.Parse("call.yaml", []byte(call+"weight: 3\n"), scenarios.Options{Set: []string{"duration=10"}})
	fmt.Println(err)
	// Output:
	// --set media.0.encodr.max=2Mbps: there is no field "encodr" in media.0; did you mean "encoder"?
	// call.yaml:9:1: weight: unknown field; the fields here are title, reference, description, duration, seed, protection, let, network, endpoints, topology, media, traffic, congestion, rtcp, repair, breakers, security, signalling, ice, extensions, playout, matrix, expect, expected-fail
	// --set duration=10: duration: "10" is not a duration; write a number and a unit, like 300ms or 1.5s
}
