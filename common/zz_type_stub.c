/* Stands in until the types are merged. */
#include "type.h"
#include "field.h"
static bool acc(enum value_kind k, struct text t, struct buf*o){ if(k==VALUE_STRING) buf_json(o,t); else buf_text(o,t); return true;}
static bool val(enum value_kind k, struct text t){return true;}
static const struct type any={"any","any",acc,val,acc};
static const struct type d={"JSONDict","any",acc,val,acc};
const struct type *type_named(struct text n){return text_is(n,"JSONDict")?&d:&any;}
bool field_load(const char*f, struct problem*p){return false;}
