"""An OpenAPI document becomes the operations of an entry. Pure: nothing is fetched, nothing outside it is read.

imported = import_openapi(document, source="openapi.json")
imported.operations["search"]       # the operation as it stands in a ledger document
imported.skipped                    # each operation that could not be taken, with its pointer and the reason
"""

from orchestra_tools.importers.openapi.imported import ImportedOperation, OpenApiImport, Skipped

__all__ = ["ImportedOperation", "OpenApiImport", "Skipped"]
