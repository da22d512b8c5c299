//! Tests of custody.
