"""Static files under names with a hash, falling back to plain names where nothing was collected."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedFiles(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # untyped
    """The demo and the tests run without `collectstatic`; production collects and gets hashed names."""

    manifest_strict = False

    def stored_name(self, name: str) -> str:
        """Return the hashed name, or `name` where there is no manifest."""
        return super().stored_name(name) if self.hashed_files else name
