//! The standard workload of the snapshot codec.
