"""Sessions again: shown at their own pace, or played against a build."""
