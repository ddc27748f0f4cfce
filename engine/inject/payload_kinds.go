package inject

import "context"

type damageMethod uint8

func payloadKinds() []Kind { return nil }

func (r *run) addDamage(context.Context) error { return nil }
