module rtpfabric

go 1.26
