//! How much of each quota is spent today: what accounts say may be sent, beside what the views say was.

use std::path::Path;

use vitalog_dashboards::ask::Readers;
use vitalog_dashboards::views::FreshSums;
use vitalog_elog::metering::{Day, Holder};
use vitalog_ingest::access::{Owners, Registry};
use vitalog_ingest::io::Level;

/// New readings of a day, and who sent them.
pub struct Spending(pub FreshSums);

/// What a quota is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    ReadingsPerDay,
    Subjects,
}

/// A quota, and how much of it is spent.
pub struct Use {
    /// To which it belongs; `None`: the house.
    pub tenant: Option<String>,
    pub holder: Holder,
    pub of: Of,
    pub most: u64,
    pub used: u64,
}

impl Spending {
    /// What the views of a directory say; `None` where they can't be asked, for there are none yet.
    pub fn of(data: &Path, day: Day) -> Option<Spending> {
        let readers = Readers::open(&data.join("views.db")).ok()?;
        readers.take().and_then(|reader| reader.ask(|ask| ask.fresh(day))).ok().map(Spending)
    }

    /// How many were sent that count for a quota.
    pub fn by(&self, holder: &Holder) -> u64 {
        let counts = |(tenant, token, _): &&(_, _, u64)| match holder {
            Holder::Token(id) => *token == Some(id.clone()),
            Holder::Tenant(id) => *tenant == Some(id.clone()),
        };
        self.0.iter().filter(counts).map(|(_, _, readings)| readings).sum()
    }

    /// Every quota there is: of readings as far as it is known what was sent, and of subjects.
    pub fn uses(spending: Option<&Spending>, registry: &Registry, owners: &Owners) -> Vec<Use> {
        let mut uses = Vec::new();
        for (tenant, quota) in registry.quotas() {
            if let Some(spending) = spending {
                let (most, used) = (u64::from(quota.per_day.get()), spending.by(&quota.holder));
                let tenant = tenant.map(|id| id.to_string());
                uses.push(Use { tenant, holder: quota.holder, of: Of::ReadingsPerDay, most, used });
            }
        }
        for tenant in registry.tenants.values() {
            if let Some(most) = tenant.most_subjects {
                uses.push(Use {
                    tenant: Some(tenant.id.to_string()),
                    holder: Holder::Tenant(tenant.id.clone()),
                    of: Of::Subjects,
                    most: u64::from(most.get()),
                    used: owners.subjects(&tenant.id).len() as u64,
                });
            }
        }
        uses
    }
}

impl Of {
    pub fn name(self) -> &'static str {
        match self {
            Of::ReadingsPerDay => "readings_per_day",
            Of::Subjects => "subjects",
        }
    }
}

impl Use {
    pub fn level(&self) -> Level {
        Level::of(self.used, self.most)
    }
}
