"""Orthanc's plug-in for DICOMweb, version 1.7: QIDO-RS, WADO-RS and WADO-URI over what the API itself has."""
