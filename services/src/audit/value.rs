//! The pass over custody: value adds up, what is in escrow belongs to a trade, and ships at the
//! helm are those that characters sit in.

use orrery_base::{CharacterId, EntityId, GridId};
use orrery_storage::{Domain, ReadError, Rows};

use super::Problem;
use super::check::Auditor;
use crate::character::CharacterRow;
use crate::custody::{self, Account, AccountKind, CustodyRow, PartitionIndex, Stack, kind_prefix};
use crate::economy::{self, Shipment};
use crate::rows::RowError;

impl<P: Fn(GridId, Option<EntityId>) -> bool> Auditor<P> {
    pub(super) fn read_custody(&mut self, rows: &impl Rows) -> Result<(), ReadError> {
        let partitions = match economy::partitions(rows) {
            Ok(partitions) => partitions,
            Err(RowError::Read(error)) => return Err(error),
            Err(error) => {
                // Without it nobody can say where an account belongs: one problem, not thousands.
                self.report.add(error.into());
                return Ok(());
            }
        };
        let lots = |bytes: &[u8]| Shipment::decode(bytes).ok().map(|shipment| shipment.lots);
        let found = custody::audit::audit(rows, partitions, lots)?;
        for problem in &found.problems {
            self.report.add(Problem::Custody(problem.clone()));
        }
        self.report.problems_count += found.problem_count - found.problems.len() as u64;
        self.report.custody = found;
        for problem in economy::audit_trades(rows, partitions)? {
            self.report.add(Problem::Custody(problem));
        }
        for partition in 0..partitions {
            self.check_helms(rows, PartitionIndex(partition))?;
        }
        Ok(())
    }

    fn check_helms(
        &mut self,
        rows: &impl Rows,
        partition: PartitionIndex,
    ) -> Result<(), ReadError> {
        let prefix = kind_prefix(partition, AccountKind::Helm);
        for row in rows.prefix(Domain::Custody, &prefix) {
            let row = row?;
            // What cannot be read was found before.
            if let Ok(CustodyRow::Stack(_, account, stack)) = CustodyRow::read(&row.key, &row.value)
            {
                self.check_helm(rows, &account, &stack)?;
            }
        }
        Ok(())
    }

    fn check_helm(
        &mut self,
        rows: &impl Rows,
        helm: &Account,
        ship: &Stack,
    ) -> Result<(), ReadError> {
        let character = CharacterId(helm.owner);
        let row = rows.get(Domain::Character, &CharacterRow::key(character))?;
        let why = match row.map(|row| CharacterRow::decode(&row)) {
            // A damaged row was found before.
            Some(Err(_)) => return Ok(()),
            None => "there is no such character".to_owned(),
            Some(Ok(_)) if !ship.is_assembled => "that is no assembled ship".to_owned(),
            // A loss that is on its way to the economy.
            Some(Ok(_)) if economy::is_lost(rows, character, ship.id.entity()) == Ok(true) => {
                return Ok(());
            }
            Some(Ok(row)) if row.ship.entity != ship.id.entity() => {
                format!("the character sits in ship {}", row.ship.entity)
            }
            Some(Ok(row)) if row.ship.type_id != ship.type_id => format!(
                "it has type {}, and the character's ship has type {}",
                ship.type_id, row.ship.type_id
            ),
            Some(Ok(_)) => return Ok(()),
        };
        self.report.add(Problem::Helm {
            character,
            item: ship.id,
            why,
        });
        Ok(())
    }
}
