//! What an object is bound to: this host, and what it offers.

use super::{Host, Observer};
use crate::error::{Error, Result};
use aqo_model::image::Image;
use aqo_model::offer::{Bind, Offer, OfferKind};
use aqo_model::policy::Reason;
use aqo_model::text::show_instant;
use aqo_model::value::Bytes32;

/// How far this host's clock may lie behind an object's time, in microseconds: 10 min.
const CLOCK_BEHIND: i64 = 600_000_000;

impl Host {
    pub(super) fn bind_record(&mut self, artifact: &Bytes32, name: &str) -> Bind {
        let mut nonce = [0; 16];
        self.random.fill(&mut nonce);
        Bind { host: self.key.public(), nonce, capabilities: self.capabilities(artifact, name) }
    }

    /// What this host offers an object, bit by bit.
    fn capabilities(&self, artifact: &Bytes32, name: &str) -> u64 {
        let Some(class) = self.classes.get(artifact) else { return 0 };
        let capabilities = class.artifact.model.schema.capabilities.iter().enumerate();
        let bound = capabilities.filter(|(_, c)| self.config.capability(name, c).is_some());
        bound.fold(0, |set, (bit, _)| set | 1 << bit)
    }

    /// Binds an object anew if its host has changed, or what the host offers. Other objects stay as
    /// they are.
    pub fn rebind(&mut self, id: &Bytes32, observer: &mut dyn Observer) -> Result<()> {
        if let Some(object) = self.objects.get(id)
            && let Some(why) = &object.parked
        {
            return Err(Error::refused(format!("{} is parked: {why}", object.name)));
        }
        if self.offer_bind(id, observer)? == Some(Reason::DUE_FIRST) {
            self.tick(u64::MAX, observer)?;
            self.offer_bind(id, observer)?;
        }
        self.commit(observer)
    }

    /// Parks the objects whose time lies further ahead of this host's clock than an honest one can be
    /// behind: what they did next would all seem to happen at once. `last` is the latest time of any.
    pub(super) fn hold_back(&mut self, last: i64, observer: &mut dyn Observer) {
        let now = self.clock.now();
        let most = now.saturating_add(CLOCK_BEHIND);
        if last <= most {
            return;
        }
        let ahead: Vec<(Bytes32, i64)> = (self.objects.values())
            .filter_map(|object| {
                let class = self.classes.get(&object.artifact)?;
                let (model, layout) = (&class.artifact.model, &class.artifact.layout);
                let image = Image::decode(model, layout, &object.image)?;
                Some((object.id, image.state.now)).filter(|(_, now)| *now > most)
            })
            .collect();
        for (id, time) in ahead {
            let (time, now) = (show_instant(time), show_instant(now));
            let why = format!(
                "clock_ahead: its time is {time}, and this host's clock says {now}; set the clock right and start again"
            );
            self.park(id, &why, observer);
        }
    }

    fn offer_bind(&mut self, id: &Bytes32, observer: &mut dyn Observer) -> Result<Option<Reason>> {
        let now = self.clock.now();
        let Some(object) = self.objects.get(id) else { return Ok(None) };
        let (artifact, name) = (object.artifact, object.name.clone());
        let bind = self.bind_record(&artifact, &name);
        let Some(object) = self.objects.get_mut(id) else { return Ok(None) };
        let Some(class) = self.classes.get_mut(&artifact) else { return Ok(None) };
        let image = Image::decode(&class.artifact.model, &class.artifact.layout, &object.image)
            .ok_or_else(|| Error::internal("an image is damaged"))?;
        if image.state.capabilities == bind.capabilities && image.state.host == bind.host {
            return Ok(None);
        }
        let offer = Offer {
            kind: OfferKind::Bind(bind),
            observed: now,
            served: object.served,
            ignored: object.ignored,
            inputs: Vec::new(),
        };
        let answer = class.step(&object.image, &offer, self.random.as_mut())?;
        match answer.admitted {
            Some(admitted) => self.record(*id, admitted, answer.served, answer.next_due),
            None if answer.reply == Some(Reason::OBSERVING) => {
                observer.note(&format!("{name} stays bound as it was until one period has passed"))
            }
            None => {}
        }
        Ok(answer.reply)
    }
}
