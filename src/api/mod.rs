//! HTTP for people and programs: REST, events, metrics, health.
