//! What operators learn of a grid that was lost and of one that came back.

use std::path::Path;

use super::restore::describe;
use super::simulation::{Comeback, Incident};
use crate::metrics::ShardMetrics;

/// Reports a grid that was lost, and keeps what repeats the beat that it was lost in: two files
/// in the folder `incidents` of the data folder.
pub(super) fn report(incident: &Incident, data: &Path, metrics: &ShardMetrics) {
    metrics.grid_lost(incident.grid);
    let what = describe(incident.grid, incident.tick);
    let message = &incident.message;
    match write(incident, data) {
        Ok(command) => tracing::error!(what, message, command, "a grid is lost: it is restored"),
        Err(error) => {
            tracing::error!(what, message, %error, "a grid is lost: it is restored; no report written");
        }
    }
}

/// Writes the report; returns the command that repeats the beat.
fn write(incident: &Incident, data: &Path) -> std::io::Result<String> {
    let folder = data.join("incidents");
    std::fs::create_dir_all(&folder)?;
    let name = format!("{}-grid-{}", incident.beat.0, incident.grid.0);
    let record = folder.join(format!("{name}.record"));
    std::fs::write(&record, &incident.record)?;
    let command = format!(
        "orrery replay --data {} --incident {}",
        data.display(),
        record.display()
    );
    let report = serde_json::json!({
        "grid": incident.grid.0,
        "beat": incident.beat.0,
        "own_tick": incident.tick.0,
        "message": incident.message,
        "command": command,
    });
    std::fs::write(folder.join(format!("{name}.json")), format!("{report:#}\n"))?;
    Ok(command)
}

/// Reports a grid that came back, or that did not.
pub(super) fn report_comeback(comeback: &Comeback, metrics: &ShardMetrics) {
    let grid = comeback.grid.0;
    match &comeback.outcome {
        Ok(culprits) => {
            metrics.grid_restored(comeback.grid);
            let aside = &culprits.descriptions;
            let arrivals = culprits.arrivals;
            tracing::warn!(
                grid,
                ?aside,
                arrivals,
                "a grid is back; these were set aside"
            );
        }
        Err(error) => tracing::error!(grid, error, "a grid stays lost"),
    }
}
