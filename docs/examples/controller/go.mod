module example.org/mine

go 1.26

require rtpfabric v0.0.0

replace rtpfabric => ../../..
