from .auditing import audit as audit
from .evaluation import chi2_independence as chi2_independence
from .evaluation import compare as compare
from .evaluation import compare_datasets as compare_datasets
from .evaluation import corrected_resampled_ttest as corrected_resampled_ttest
from .evaluation import paired_ttest as paired_ttest
from .flows import CNNEmbedding as CNNEmbedding
from .flows import ColorHistogram as ColorHistogram
from .flows import FlowUnion as FlowUnion
from .flows import GISTDescriptor as GISTDescriptor
from .flows import LBPHistogram as LBPHistogram
from .flows import PixelProjection as PixelProjection
from .flows import RawPixels as RawPixels
from .flows import SIFTBagOfWords as SIFTBagOfWords
from .heads import ForestSelector as ForestSelector
from .heads import ObjectHierarchyFeatures as ObjectHierarchyFeatures
from .images import ImageCollection as ImageCollection
from .images import ImageReadError as ImageReadError
from .images import load_folder as load_folder
from .images import load_table as load_table
from .images import make_shop as make_shop
from .models import FlowClassifier as FlowClassifier
from .models import TwoFlowClassifier as TwoFlowClassifier
from .models import make_model as make_model

__version__: str
