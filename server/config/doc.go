// Package config is what `streamvet serve` can be told: one struct, which flags,
// the environment and one YAML file fill under the same names.
//
//	grpc:                         # streamvet.yaml
//	  address: 10.0.0.5:7171
//
//	STREAMVET_GRPC_ADDRESS=10.0.0.5:7171
//	streamvet serve --grpc-address 10.0.0.5:7171
//
// A flag wins over the environment, that over the file, and that over the
// default. Nothing is taken that has no meaning: an unknown name is an error that
// says where it stands and which one is near.
package config
