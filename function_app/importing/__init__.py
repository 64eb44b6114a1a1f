"""Taking over what was made by hand: from what is observed to definitions that, merged, change nothing that packets feel.

Pure: definitions and observations in, files and lists out. What cannot be expressed is listed, never guessed; and since our route
filter lets out defined ranges alone, a cluster on which a gateway in use cannot be expressed is not imported at all.
"""

from function_app.importing.classic import Migration, migrated
from function_app.importing.found import Imported, imported
from function_app.importing.template import template

__all__ = ["Imported", "Migration", "imported", "migrated", "template"]
