//! The world as a client sees it.
